//! Threads beside a plain model of RFC 5256 §3: vectors, recursion, and the words of the RFC.

use posthouse_model::Uid;
use posthouse_model::sort::ThreadNode;
use proptest::prelude::*;

use super::references::{Linking, Message};
use super::{hash_of, ordered_subject};
use crate::sort::keys::IdHash;

/// A message of the test: its identifier, its references, its subject, whether it is a reply, when it was sent.
type Letter = (Option<u8>, Vec<u8>, u8, bool, i64);

fn id_of(id: u8) -> IdHash {
    [id; 16]
}

fn message(at: usize, (_, _, subject, is_reply, sent_seconds): &Letter) -> Message {
    let text = if *subject == 0 { String::new() } else { format!("SUBJECT {subject}") };
    Message {
        uid: Uid::new(at as u32 + 1).unwrap(),
        sent_seconds: *sent_seconds,
        subject: hash_of(text.as_bytes()),
        is_reply: *is_reply,
    }
}

fn ours(letters: &[Letter]) -> String {
    let mut linking = Linking::default();
    for (at, letter) in letters.iter().enumerate() {
        let references = letter.1.iter().map(|&id| id_of(id));
        linking.add(message(at, letter), letter.0.map(id_of), references).unwrap();
    }
    written(&mut linking.threads().iter())
}

fn written(nodes: &mut std::slice::Iter<'_, ThreadNode>) -> String {
    let mut text = String::new();
    while !nodes.as_slice().is_empty() {
        text.push_str(&one(nodes));
    }
    text
}

fn one(nodes: &mut std::slice::Iter<'_, ThreadNode>) -> String {
    let node = nodes.next().unwrap();
    let name = node.uid.map_or("-".to_owned(), |uid| uid.to_string());
    let children: String = (0..node.children).map(|_| one(nodes)).collect();
    format!("({name}{children})")
}

#[derive(Default)]
struct Plain<'a> {
    letters: &'a [Letter],
    /// The identifier, as far as it is not one of its own; the message.
    nodes: Vec<(Option<u8>, Option<usize>)>,
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
}

impl<'a> Plain<'a> {
    fn add(&mut self, id: Option<u8>, message: Option<usize>) -> usize {
        self.nodes.push((id, message));
        self.parents.push(None);
        self.children.push(Vec::new());
        self.nodes.len() - 1
    }

    fn find(&mut self, id: u8) -> usize {
        let known = self.nodes.iter().position(|(its, _)| *its == Some(id));
        known.unwrap_or_else(|| self.add(Some(id), None))
    }

    fn is_below(&self, node: usize, above: usize) -> bool {
        node == above || self.parents[node].is_some_and(|parent| self.is_below(parent, above))
    }

    fn link(&mut self, parent: usize, child: usize) {
        if !self.is_below(parent, child) {
            self.parents[child] = Some(parent);
            self.children[parent].push(child);
        }
    }

    fn unlink(&mut self, child: usize) {
        if let Some(parent) = self.parents[child].take() {
            self.children[parent].retain(|one| *one != child);
        }
    }

    fn step_1(&mut self, at: usize) {
        let (id, references, ..) = &self.letters[at];
        let known = id.map(|id| self.find(id));
        let node = match known {
            Some(node) if self.nodes[node].1.is_none() => {
                self.nodes[node].1 = Some(at);
                node
            }
            _ => self.add(None, Some(at)),
        };
        let references: Vec<usize> = references.iter().map(|&id| self.find(id)).collect();
        for pair in references.windows(2) {
            if self.parents[pair[1]].is_none() {
                self.link(pair[0], pair[1]);
            }
        }
        self.unlink(node);
        if let Some(&last) = references.last() {
            self.link(last, node);
        }
    }

    fn is_dummy(&self, node: usize) -> bool {
        self.nodes[node].1.is_none()
    }

    fn prune(&mut self, siblings: Vec<usize>, at_root: bool) -> Vec<usize> {
        let mut left = Vec::new();
        for node in siblings {
            let children = std::mem::take(&mut self.children[node]);
            self.children[node] = self.prune(children, false);
            let children = self.children[node].len();
            if self.is_dummy(node) && (children == 0 || !at_root || children == 1) {
                left.append(&mut self.children[node]);
            } else {
                left.push(node);
            }
        }
        left
    }

    fn shown(&self, node: usize) -> usize {
        self.nodes[node].1.unwrap_or_else(|| self.nodes[self.children[node][0]].1.unwrap())
    }

    fn sort(&self, siblings: &mut [usize]) {
        siblings.sort_by_key(|&node| (self.letters[self.shown(node)].4, self.shown(node)));
    }

    fn sort_below(&mut self, node: usize) {
        for child in self.children[node].clone() {
            self.sort_below(child);
        }
        let mut children = std::mem::take(&mut self.children[node]);
        self.sort(&mut children);
        self.children[node] = children;
    }

    fn subject(&self, node: usize) -> u8 {
        self.letters[self.shown(node)].2
    }

    fn is_reply(&self, node: usize) -> bool {
        self.nodes[node].1.is_some_and(|message| self.letters[message].3)
    }

    fn threads(letters: &'a [Letter]) -> String {
        let mut plain = Self { letters, ..Self::default() };
        (0..letters.len()).for_each(|at| plain.step_1(at));
        // Steps 2 to 4.
        let roots: Vec<usize> = (0..plain.nodes.len()).filter(|&node| plain.parents[node].is_none()).collect();
        let mut roots = plain.prune(roots, true);
        roots.iter().for_each(|&root| plain.sort_below(root));
        plain.sort(&mut roots);
        // Step 5.
        let mut table: Vec<(u8, usize)> = Vec::new();
        for &root in &roots {
            let subject = plain.subject(root);
            if subject == 0 {
                continue;
            }
            match table.iter_mut().find(|(its, _)| *its == subject) {
                None => table.push((subject, root)),
                Some((_, known)) if !plain.is_dummy(*known) => {
                    if plain.is_dummy(root) || (plain.is_reply(*known) && !plain.is_reply(root)) {
                        *known = root;
                    }
                }
                Some(_) => {}
            }
        }
        for root in roots.clone() {
            let subject = plain.subject(root);
            let Some(place) = table.iter().position(|(its, _)| *its == subject) else { continue };
            let known = table[place].1;
            if known == root {
                continue;
            }
            roots.retain(|one| *one != root);
            if plain.is_dummy(known) && plain.is_dummy(root) {
                let mut children = std::mem::take(&mut plain.children[root]);
                plain.children[known].append(&mut children);
            } else if plain.is_dummy(known) || (plain.is_reply(root) && !plain.is_reply(known)) {
                plain.children[known].push(root);
            } else {
                roots.retain(|one| *one != known);
                let dummy = plain.add(None, None);
                plain.children[dummy] = vec![known, root];
                table[place].1 = dummy;
                roots.push(dummy);
            }
        }
        // Step 6.
        roots.iter().for_each(|&root| plain.sort_below(root));
        plain.sort(&mut roots);
        roots.iter().map(|&root| plain.written(root)).collect()
    }

    fn written(&self, node: usize) -> String {
        let name = self.nodes[node].1.map_or("-".to_owned(), |at| (at + 1).to_string());
        let children: String = self.children[node].iter().map(|&child| self.written(child)).collect();
        format!("({name}{children})")
    }
}

fn letters() -> impl Strategy<Value = Vec<Letter>> {
    let id = prop::option::weighted(0.9, 0_u8..12);
    let references = prop::collection::vec(0_u8..12, 0..5);
    prop::collection::vec((id, references, 0_u8..4, any::<bool>(), 0_i64..6), 0..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn references_are_threaded_as_the_rfc_says(letters in letters()) {
        prop_assert_eq!(ours(&letters), Plain::threads(&letters));
    }

    #[test]
    fn ordered_subjects_are_threaded_as_the_rfc_says(letters in letters()) {
        let messages: Vec<_> = letters.iter().enumerate().map(|(at, letter)| message(at, letter)).collect();
        let mut by_subject: Vec<usize> = (0..letters.len()).collect();
        by_subject.sort_by_key(|&at| (letters[at].2, letters[at].4, at));
        let mut threads: Vec<&[usize]> =
            by_subject.chunk_by(|&one, &next| letters[one].2 == letters[next].2).collect();
        threads.sort_by_key(|thread| (letters[thread[0]].4, thread[0]));
        let expected: String = threads.iter().map(|thread| {
            let children: String = thread[1..].iter().map(|at| format!("({})", at + 1)).collect();
            format!("({}{children})", thread[0] + 1)
        }).collect();
        prop_assert_eq!(written(&mut ordered_subject::threads(messages).iter()), expected);
    }
}

#[track_caller]
fn check(letters: &[Letter], expected: &str) {
    assert_eq!(ours(letters), expected);
    assert_eq!(Plain::threads(letters), expected);
}

#[test]
fn conversations() {
    check(&[], "");
    // A reply, its reply, and another conversation in between.
    check(
        &[(Some(1), vec![], 1, false, 1), (Some(2), vec![], 2, false, 2), (Some(3), vec![1], 1, true, 3)],
        "(1(3))(2)",
    );
    // Two replies to a message that is not here are held together by it.
    check(&[(Some(2), vec![1], 1, true, 1), (Some(3), vec![1], 1, true, 2)], "(-(1)(2))");
    // A message that refers to itself, and two that refer to each other.
    check(&[(Some(1), vec![1], 0, false, 1)], "(1)");
    check(&[(Some(1), vec![2], 0, false, 1), (Some(2), vec![1], 0, false, 2)], "(2(1))");
    // The same identifier twice: the first has it.
    check(
        &[(Some(1), vec![], 0, false, 1), (Some(1), vec![], 0, false, 2), (Some(2), vec![1], 0, false, 3)],
        "(1(3))(2)",
    );
    // By subject: a reply without references, and two that are no replies.
    check(&[(None, vec![], 1, false, 1), (None, vec![], 1, true, 2)], "(1(2))");
    check(&[(None, vec![], 1, false, 1), (None, vec![], 1, false, 2)], "(-(1)(2))");
    check(&[(None, vec![], 0, false, 1), (None, vec![], 0, false, 2)], "(1)(2)");
}

/// Conversations that were made to be deep, or to give all they have to the next, take no longer than others.
#[test]
fn hostile_references_take_no_long() {
    let many = 60_000_u32;
    let id = |number: u32| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_le_bytes());
        id
    };
    let message = |number: u32| Message {
        uid: Uid::new(number + 1).unwrap(),
        sent_seconds: i64::from(number),
        subject: None,
        is_reply: true,
    };
    // Each replies to the one before it.
    let mut chain = Linking::default();
    for number in 0..many {
        chain.add(message(number), Some(id(number)), number.checked_sub(1).map(id).into_iter()).unwrap();
    }
    assert_eq!(chain.threads().len(), many as usize);
    // Each hangs from a missing message, which hangs from the one before it.
    let mut ladder = Linking::default();
    for number in 0..many {
        let rungs = [number.checked_sub(1).map(id), Some(id(number))];
        ladder.add(message(number), None, rungs.into_iter().flatten()).unwrap();
    }
    assert_eq!(ladder.threads().len(), many as usize + 1);
    // Each says that the first is a reply to it.
    let mut loops = Linking::default();
    for number in 0..many {
        loops.add(message(number), Some(id(number)), [id(number + 1), id(0)].into_iter()).unwrap();
    }
    assert_eq!(loops.threads().iter().filter(|node| node.uid.is_some()).count(), many as usize);
}
