//! Asking the filters.

use std::time::Duration;

use posthouse_storage::HeldBecause;
use tokio::time::Instant;

use super::{
    AddedField, BadField, ContentFilter, FilterError, FilteredMessage, MAX_ADDED_FIELDS, MailDirection, RefusalStatus,
    Verdict, WhenUnexamined,
};
use crate::{Flow, MessageRefusal};

/// The one word for what filters hold ([`posthouse_storage::QueueEntry::cause`]).
const HELD_BY_FILTER: &str = "content-filter";
/// Longest words of a filter that are kept, in characters.
const MAX_WORDS_CHARACTERS: usize = 300;

/// What filters want of a message that is taken.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    /// Fields to add.
    pub added: Vec<AddedField>,
    /// Why it is to be held.
    pub held: Option<HeldBecause>,
}

/// What one filter wants.
enum Wish {
    Nothing,
    Fields(Vec<AddedField>),
    Hold(String),
    Refuse(RefusalStatus, String),
    TryLater,
}

/// What a filter came to: the word for figures and trail, what there is to say besides, and what follows.
struct Finding {
    word: &'static str,
    words: String,
    wish: Wish,
}

impl Flow {
    /// Asks the filters one after another. `notes` gets what each of them said.
    pub(crate) async fn examine(
        &self,
        message: &FilteredMessage<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Examined, MessageRefusal> {
        let options = &self.options.content_filters;
        let deadline = Instant::now() + options.total_time;
        let mut examined = Examined::default();
        for filter in &options.filters {
            let left = deadline.saturating_duration_since(Instant::now()).min(options.time);
            let message = FilteredMessage { added: &examined.added, ..*message };
            let Finding { word, words, wish } = self.ask(&**filter, &message, left).await;
            let name = filter.name();
            self.filter_figures.count(name, word);
            notes.push(if words.is_empty() { format!("{name} {word}") } else { format!("{name} {word}: {words}") });
            match wish {
                Wish::Nothing => {}
                Wish::Fields(fields) => examined.added.extend(fields),
                Wish::Hold(why) => {
                    let held = HeldBecause { outcome: format!("held by {name}: {why}"), cause: HELD_BY_FILTER.into() };
                    examined.held.get_or_insert(held);
                }
                Wish::Refuse(status, text) => return Err(MessageRefusal::Filtered { status, text }),
                Wish::TryLater => return Err(MessageRefusal::FilterWantsLater),
            }
        }
        Ok(examined)
    }

    async fn ask(&self, filter: &dyn ContentFilter, message: &FilteredMessage<'_>, time: Duration) -> Finding {
        let Ok(said) = tokio::time::timeout(time, filter.examine(message)).await else {
            return self.unexamined(filter, message, "timeout", "it takes too long".to_owned());
        };
        let finding = |word, words: &str, wish| Finding { word, words: words.to_owned(), wish };
        match said {
            Ok(Verdict::Accept) => finding("accept", "", Wish::Nothing),
            Ok(Verdict::AcceptWithFields(fields)) if message.added.len() + fields.len() > MAX_ADDED_FIELDS => {
                let error = FilterError::BadField(BadField::TooMany);
                self.unexamined(filter, message, "failed", words(&error.to_string()))
            }
            Ok(Verdict::AcceptWithFields(fields)) => {
                let names: Vec<_> = fields.iter().map(AddedField::name).collect();
                finding("add", &words(&names.join(" ")), Wish::Fields(fields))
            }
            Ok(Verdict::Hold(why)) => finding("hold", &words(&why), Wish::Hold(words(&why))),
            Ok(Verdict::Refuse { status, text }) => {
                let text = words(&text);
                finding("refuse", &format!("{status} {text}"), Wish::Refuse(status, text))
            }
            Ok(Verdict::TryLater) => finding("later", "", Wish::TryLater),
            Err(error) => self.unexamined(filter, message, "failed", words(&error.to_string())),
        }
    }

    fn unexamined(
        &self,
        filter: &dyn ContentFilter,
        message: &FilteredMessage<'_>,
        word: &'static str,
        words: String,
    ) -> Finding {
        tracing::warn!(filter = filter.name(), journey = %message.journey, why = words, "a message cannot be examined");
        let options = &self.options.content_filters;
        let policy = match message.direction {
            MailDirection::Incoming => options.incoming_unexamined,
            MailDirection::Outgoing | MailDirection::Local => options.outgoing_unexamined,
        };
        let wish = match policy {
            WhenUnexamined::TryLater => Wish::TryLater,
            WhenUnexamined::Hold => Wish::Hold(words.clone()),
            WhenUnexamined::Accept => Wish::Nothing,
        };
        Finding { word, words, wish }
    }
}

/// Words of a filter as they may be repeated: in one line, and not too long.
fn words(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_WORDS_CHARACTERS).collect()
}
