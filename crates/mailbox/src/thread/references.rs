//! THREAD=REFERENCES (RFC 5256 §3), step by step. Nothing here recurses: how deep a thread is, its senders decide.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use posthouse_model::Uid;
use posthouse_model::sort::ThreadNode;

use super::forest::Forest;
use crate::sort::keys::IdHash;

/// Messages, missing ones included, that are threaded at once.
pub(super) const MAX_NODES: usize = 16_000_000;

/// A base subject, or rather its hash; `None` for an empty one.
pub(super) type SubjectHash = Option<IdHash>;

/// What is compared of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub uid: Uid,
    pub sent_seconds: i64,
    pub subject: SubjectHash,
    pub is_reply: bool,
}

/// More than [`MAX_NODES`].
#[derive(Debug)]
pub(super) struct TooMany;

/// Messages being threaded. They are added in the order of the mailbox.
#[derive(Debug, Default)]
pub(super) struct Linking {
    forest: Forest,
    /// For each node its message; `None` for a dummy.
    messages: Vec<Option<Message>>,
    by_id: HashMap<IdHash, u32>,
}

impl Linking {
    /// Step 1.
    pub fn add(
        &mut self,
        message: Message,
        id: Option<IdHash>,
        references: impl Iterator<Item = IdHash>,
    ) -> Result<(), TooMany> {
        let node = self.node_of_message(message, id)?;
        let mut last = None;
        for reference in references {
            let next = self.node_of_id(reference)?;
            // (A): a link that is there stays.
            if let Some(last) = last
                && self.forest.parent(next).is_none()
            {
                self.forest.link(last, next);
            }
            last = Some(next);
        }
        // (B): the last reference is the parent, whatever others said of this message.
        self.forest.cut(node);
        if let Some(parent) = last {
            self.forest.link(parent, node);
        }
        Ok(())
    }

    /// The first message with an identifier has it; another one with the same, or without any, has one of its own.
    fn node_of_message(&mut self, message: Message, id: Option<IdHash>) -> Result<u32, TooMany> {
        if let Some(id) = id {
            let node = self.node_of_id(id)?;
            let place = &mut self.messages[node as usize];
            if place.is_none() {
                *place = Some(message);
                return Ok(node);
            }
        }
        self.new_node(Some(message))
    }

    fn node_of_id(&mut self, id: IdHash) -> Result<u32, TooMany> {
        if let Some(&node) = self.by_id.get(&id) {
            return Ok(node);
        }
        let node = self.new_node(None)?;
        if let Entry::Vacant(place) = self.by_id.entry(id) {
            place.insert(node);
        }
        Ok(node)
    }

    fn new_node(&mut self, message: Option<Message>) -> Result<u32, TooMany> {
        if self.messages.len() >= MAX_NODES {
            return Err(TooMany);
        }
        self.messages.push(message);
        Ok(self.forest.add())
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Steps 2 to 6.
    pub fn threads(self) -> Vec<ThreadNode> {
        let Self { forest, messages, by_id } = self;
        drop(by_id);
        let mut tree = Tree::new(messages, &forest);
        drop(forest);
        let roots = tree.prune();
        let roots = tree.merge_by_subject(roots);
        tree.written_out(roots)
    }
}

const NONE: u32 = u32::MAX;

/// `roots` are in the order in which nodes were made.
fn roots_contain(roots: &[u32], node: u32) -> bool {
    roots.binary_search(&node).is_ok()
}

/// The messages as trees from above.
#[derive(Debug)]
struct Tree {
    messages: Vec<Option<Message>>,
    first_child: Vec<u32>,
    next_sibling: Vec<u32>,
    roots: Vec<u32>,
}

impl Tree {
    /// Step 2.
    fn new(messages: Vec<Option<Message>>, forest: &Forest) -> Self {
        let mut first_child = vec![NONE; forest.len()];
        let mut next_sibling = vec![NONE; forest.len()];
        let mut roots = Vec::new();
        for node in 0..forest.len() as u32 {
            match forest.parent(node) {
                None => roots.push(node),
                Some(parent) => {
                    next_sibling[node as usize] = first_child[parent as usize];
                    first_child[parent as usize] = node;
                }
            }
        }
        Self { messages, first_child, next_sibling, roots }
    }

    fn children(&self, node: u32) -> Vec<u32> {
        let next = |&child: &u32| Some(self.next_sibling[child as usize]).filter(|&next| next != NONE);
        let first = Some(self.first_child[node as usize]).filter(|&first| first != NONE);
        std::iter::successors(first, next).collect()
    }

    fn set_children(&mut self, node: u32, children: &[u32]) {
        self.first_child[node as usize] = children.first().copied().unwrap_or(NONE);
        for (at, &child) in children.iter().enumerate() {
            self.next_sibling[child as usize] = children.get(at + 1).copied().unwrap_or(NONE);
        }
    }

    fn is_dummy(&self, node: u32) -> bool {
        self.messages[node as usize].is_none()
    }

    /// All nodes below `roots`, each after its parent.
    fn top_down(&self, roots: &[u32]) -> Vec<u32> {
        let mut found = roots.to_vec();
        let mut at = 0;
        while let Some(&node) = found.get(at) {
            found.extend(self.children(node));
            at += 1;
        }
        found
    }

    /// The children of a node, with each dummy among them replaced by its own. Each dummy is below one node only that
    /// is asked about, so that all askings together cost no more than there are nodes.
    fn messages_below(&self, node: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut waiting = self.children(node);
        while let Some(child) = waiting.pop() {
            if self.is_dummy(child) {
                waiting.extend(self.children(child));
            } else {
                found.push(child);
            }
        }
        found
    }

    /// Step 3, and the sorting by date of steps 4 and 6 for all but the roots. Returns the roots that are left.
    fn prune(&mut self) -> Vec<u32> {
        let roots = std::mem::take(&mut self.roots);
        for node in self.top_down(&roots) {
            if self.is_dummy(node) && !roots_contain(&roots, node) {
                continue;
            }
            let mut kept = self.messages_below(node);
            self.sort(&mut kept);
            self.set_children(node, &kept);
        }
        let mut left = Vec::with_capacity(roots.len());
        for root in roots {
            match self.children(root).as_slice() {
                [] if self.is_dummy(root) => {}
                // Children are not promoted to the root, unless there is only one.
                [child] if self.is_dummy(root) => left.push(*child),
                _ => left.push(root),
            }
        }
        self.sort(&mut left);
        left
    }

    /// RFC 5256 §2.2: by sent date, and then by the order of the mailbox. For a dummy its first child counts.
    fn sort(&self, siblings: &mut [u32]) {
        siblings.sort_by_cached_key(|&node| self.date(node));
    }

    fn date(&self, node: u32) -> Option<(i64, Uid)> {
        self.shown(node).map(|message| (message.sent_seconds, message.uid))
    }

    /// The message, or that of its first child.
    fn shown(&self, node: u32) -> Option<Message> {
        self.messages[node as usize].or_else(|| {
            let first = self.first_child[node as usize];
            if first == NONE { None } else { self.messages[first as usize] }
        })
    }

    fn subject(&self, node: u32) -> SubjectHash {
        self.shown(node).and_then(|message| message.subject)
    }

    /// A dummy is no reply.
    fn is_reply(&self, node: u32) -> bool {
        self.messages[node as usize].is_some_and(|message| message.is_reply)
    }

    /// Step 5. Returns the roots that are left, by date.
    fn merge_by_subject(&mut self, mut roots: Vec<u32>) -> Vec<u32> {
        // (B)
        let mut table: HashMap<IdHash, u32> = HashMap::new();
        for &root in &roots {
            let Some(subject) = self.subject(root) else { continue };
            let known = *table.entry(subject).or_insert(root);
            let better = self.is_dummy(root) || (self.is_reply(known) && !self.is_reply(root));
            if !self.is_dummy(known) && better {
                table.insert(subject, root);
            }
        }
        // (C) What a root takes in is gathered first, so that a root that takes in many costs no more than they do.
        let mut gathered: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut left = Vec::with_capacity(roots.len());
        for root in roots.drain(..) {
            let known =
                self.subject(root).and_then(|subject| table.get(&subject).copied().map(|known| (subject, known)));
            match known {
                None => left.push(root),
                Some((_, known)) if known == root => left.push(root),
                Some((_, known)) if self.is_dummy(known) && self.is_dummy(root) => {
                    gathered.entry(known).or_default().extend(self.children(root));
                }
                Some((_, known)) if self.is_dummy(known) || (self.is_reply(root) && !self.is_reply(known)) => {
                    gathered.entry(known).or_default().push(root);
                }
                Some((subject, known)) => {
                    let dummy = self.add_dummy();
                    gathered.insert(dummy, vec![known, root]);
                    table.insert(subject, dummy);
                    left.push(dummy);
                }
            }
        }
        let mut merged: Vec<(u32, Vec<u32>)> = gathered.into_iter().collect();
        // A root may have been taken in that takes in others itself; nobody's children are looked at but its own.
        merged.sort_unstable_by_key(|(node, _)| *node);
        let mut taken_in = vec![false; self.messages.len()];
        for (node, more) in merged {
            let mut children = self.children(node);
            more.iter().for_each(|&child| taken_in[child as usize] = true);
            children.extend(more);
            self.sort(&mut children);
            self.set_children(node, &children);
        }
        left.retain(|&root| !taken_in[root as usize]);
        self.sort(&mut left);
        left
    }

    fn add_dummy(&mut self) -> u32 {
        let node = self.messages.len() as u32;
        self.messages.push(None);
        self.first_child.push(NONE);
        self.next_sibling.push(NONE);
        node
    }

    /// The trees as a list, each parent before its children.
    fn written_out(&self, roots: Vec<u32>) -> Vec<ThreadNode> {
        let mut list = Vec::with_capacity(self.messages.len());
        let mut waiting = roots;
        waiting.reverse();
        while let Some(node) = waiting.pop() {
            let children = self.children(node);
            let uid = self.messages[node as usize].map(|message| message.uid);
            list.push(ThreadNode { uid, children: children.len() as u32 });
            waiting.extend(children.into_iter().rev());
        }
        list
    }
}
