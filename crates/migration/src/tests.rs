//! The room as a whole: what goes out comes back, what was cut short goes on, and what means harm does none.

mod hostile;
mod memory;
mod round_trip;
mod running;
mod servers;

use posthouse_model::{Flags, Keyword, MailboxName, SystemFlag};

use crate::{MailboxChoice, Mode, Progress, Source, Summary, Target, Watch, transfer};

struct Nobody;

impl Watch for Nobody {
    fn at(&mut self, progress: &Progress) {
        assert!(progress.messages_done <= progress.messages && progress.folders_done <= progress.folders);
    }
}

/// Moves everything.
fn moved(source: &mut dyn Source, target: &mut dyn Target) -> Summary {
    moved_as(source, target, &MailboxChoice::default(), Mode::Move)
}

fn moved_as(source: &mut dyn Source, target: &mut dyn Target, choice: &MailboxChoice, mode: Mode) -> Summary {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(transfer(source, target, choice, mode, &mut Nobody))
}

fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

/// Flags as a word each.
fn flags(text: &str) -> Flags {
    let mut flags = Flags::none();
    for word in text.split_ascii_whitespace() {
        match SystemFlag::from_name(word) {
            Some(flag) => flags.insert(flag),
            None => assert!(flags.insert_keyword(Keyword::parse(word).unwrap())),
        }
    }
    flags
}
