//! THREAD=ORDEREDSUBJECT and THREAD=REFERENCES (RFC 5256): a SEARCH whose result is in conversations.

use posthouse_model::sort::{ThreadAlgorithm, ThreadNode};

use crate::answer::Answer;
use crate::grammar::{CommandError, Parsed};
use crate::question::Question;
use crate::refusal::Refusal;
use crate::response::thread::thread;
use crate::session::completion::{Completion, Update};
use crate::session::pending::Pending;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// A THREAD that waits for its result.
#[derive(Debug)]
pub(crate) struct Threading {
    tag: Tag,
    by_uid: bool,
}

impl Threading {
    pub(crate) fn tag(&self) -> &Tag {
        &self.tag
    }
}

/// ```text
/// thread     = ["UID" SP] "THREAD" SP thread-alg SP search-criteria
/// thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext
/// ```
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let algorithm = match arguments.atom()? {
        name if name.eq_ignore_ascii_case("ORDEREDSUBJECT") => ThreadAlgorithm::OrderedSubject,
        name if name.eq_ignore_ascii_case("REFERENCES") => ThreadAlgorithm::References,
        _ => return Err(CommandError::Expected("a known threading algorithm")),
    };
    arguments.space()?;
    let (query, modseq) = session.read_query(None, |parser| parser.criteria(arguments))?;
    session.check_search_limit(&query)?;
    // What the client has no number for can hold no conversation together either.
    let selected = session.selected.as_ref().ok_or(CommandError::Unknown("Select a mailbox first"))?;
    let query = selected.known_only(query);
    session.use_condstore(modseq);
    let threading = Threading { tag: command.tag.clone(), by_uid: command.by_uid };
    session.ask(Question::Thread { query, algorithm }, Pending::Thread(Box::new(threading)));
    Ok(())
}

impl ImapSession {
    pub(crate) fn thread_answered(&mut self, threading: &Threading, answer: Answer) {
        let Threading { tag, by_uid } = threading;
        match answer {
            Answer::Threaded(nodes) => match self.tell_threads(*by_uid, &nodes) {
                Some(()) => self.finish(tag, Completion::of_result("Threaded"), Update::of(*by_uid)),
                None => self.complete(tag, Completion::refused(Refusal::ServerBug)),
            },
            other => self.not_done(tag, Update::of(*by_uid), other),
        }
    }

    /// `None` if there is a message among `nodes` that has no number.
    fn tell_threads(&mut self, by_uid: bool, nodes: &[ThreadNode]) -> Option<()> {
        let selected = self.selected.as_ref()?;
        let mut numbered = Vec::with_capacity(nodes.len());
        for node in nodes {
            let number = match node.uid {
                None => None,
                Some(uid) if by_uid => Some(uid.value()),
                Some(uid) => Some(selected.view.sequence_of(uid)?),
            };
            numbered.push((number, node.children));
        }
        thread(&mut self.out, &numbered);
        Some(())
    }
}
