//! What a report says to people, in each language. A language is a file with one table; what a table lacks does not
//! compile.

mod de;
mod el;
mod en;
mod es;
mod fr;
mod it;
mod ru;
mod sv;

use posthouse_model::Language;

use super::why::{Advice, Why};

/// The words of a language.
#[derive(Debug)]
pub(crate) struct Words {
    /// Who writes.
    pub sender_name: &'static str,
    /// Subjects, by what became of the message.
    pub subject_failed: &'static str,
    pub subject_delayed: &'static str,
    pub subject_delivered: &'static str,
    /// Who writes, with `{host}`.
    pub introduction: &'static str,
    /// What became of the message; the address follows.
    pub failed: &'static str,
    pub expired: &'static str,
    pub delayed: &'static str,
    pub delivered: &'static str,
    pub relayed: &'static str,
    /// What is done next, with `{until}`.
    pub goes_on: &'static str,
    /// That nothing is done any more.
    pub is_over: &'static str,
    /// Before what is for administrators.
    pub details: &'static str,
    pub why: WhyWords,
    pub advice: AdviceWords,
}

/// Sentences that say why.
#[derive(Debug)]
pub(crate) struct WhyWords {
    pub no_mail_domain: &'static str,
    pub no_such_domain: &'static str,
    pub no_mail_server: &'static str,
    pub mail_loop: &'static str,
    pub name_servers_silent: &'static str,
    pub unreachable: &'static str,
    pub no_encryption: &'static str,
    pub unproven: &'static str,
    pub no_promise: &'static str,
    pub no_time_kept: &'static str,
    pub not_signed_in: &'static str,
    pub no_international: &'static str,
    pub too_large: &'static str,
    pub mailbox_full: &'static str,
    pub unknown_recipient: &'static str,
    pub not_wanted: &'static str,
    pub refused: &'static str,
    pub not_now: &'static str,
    pub not_its_turn: &'static str,
    pub ended: &'static str,
    pub our_fault: &'static str,
}

/// Sentences that say what to do.
#[derive(Debug)]
pub(crate) struct AdviceWords {
    pub check_address: &'static str,
    pub tell_recipient: &'static str,
    pub tell_administrator: &'static str,
    pub send_less: &'static str,
    pub wait_for_room: &'static str,
    pub use_plain_address: &'static str,
}

impl Words {
    /// Those of a language.
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::WORDS,
            Language::German => &de::WORDS,
            Language::French => &fr::WORDS,
            Language::Italian => &it::WORDS,
            Language::Spanish => &es::WORDS,
            Language::Greek => &el::WORDS,
            Language::Russian => &ru::WORDS,
            Language::Swedish => &sv::WORDS,
        }
    }

    /// Why.
    pub fn why(&self, why: Why) -> &'static str {
        let words = &self.why;
        match why {
            Why::NoMailDomain => words.no_mail_domain,
            Why::NoSuchDomain => words.no_such_domain,
            Why::NoMailServer => words.no_mail_server,
            Why::Loop => words.mail_loop,
            Why::NameServersSilent => words.name_servers_silent,
            Why::Unreachable => words.unreachable,
            Why::NoEncryption => words.no_encryption,
            Why::Unproven => words.unproven,
            Why::NoPromise => words.no_promise,
            Why::NoTimeKept => words.no_time_kept,
            Why::NotSignedIn => words.not_signed_in,
            Why::NoInternational => words.no_international,
            Why::TooLarge => words.too_large,
            Why::MailboxFull => words.mailbox_full,
            Why::UnknownRecipient => words.unknown_recipient,
            Why::NotWanted => words.not_wanted,
            Why::Refused => words.refused,
            Why::NotNow => words.not_now,
            Why::NotItsTurn => words.not_its_turn,
            Why::Ended => words.ended,
            Why::OurFault => words.our_fault,
        }
    }

    /// What to do.
    pub fn advice(&self, advice: Advice) -> &'static str {
        let words = &self.advice;
        match advice {
            Advice::CheckAddress => words.check_address,
            Advice::TellRecipient => words.tell_recipient,
            Advice::TellAdministrator => words.tell_administrator,
            Advice::SendLess => words.send_less,
            Advice::WaitForRoom => words.wait_for_room,
            Advice::UsePlainAddress => words.use_plain_address,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn frame(words: &Words) -> [&'static str; 13] {
        [
            words.sender_name,
            words.subject_failed,
            words.subject_delayed,
            words.subject_delivered,
            words.introduction,
            words.failed,
            words.expired,
            words.delayed,
            words.delivered,
            words.relayed,
            words.goes_on,
            words.is_over,
            words.details,
        ]
    }

    fn sentences(words: &Words) -> Vec<&'static str> {
        let advice = Why::ALL.map(|why| words.advice(why.advice()));
        Why::ALL.map(|why| words.why(why)).into_iter().chain(advice).collect()
    }

    /// Each language says all of it, in words of its own, and with the same things filled in.
    #[test]
    fn nothing_is_missing() {
        let places = |text: &str| {
            let names = text.split('{').skip(1).filter_map(|rest| rest.split('}').next());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let english = Words::of(Language::English);
        for language in Language::ALL {
            let words = Words::of(language);
            for (text, original) in frame(words).into_iter().zip(frame(english)) {
                assert!(!text.trim().is_empty());
                assert_eq!(places(text), places(original), "{language}: {text}");
                assert!(language == Language::English || text != original, "{language}: {text}");
            }
            for (text, original) in sentences(words).into_iter().zip(sentences(english)) {
                assert!(
                    text.ends_with('.') && !text.contains(['{', '\n']) && text.trim() == text,
                    "{language}: {text}"
                );
                assert!(language == Language::English || text != original, "{language}: {text}");
            }
            let distinct: BTreeSet<_> = Why::ALL.into_iter().map(|why| words.why(why)).collect();
            assert_eq!(distinct.len(), Why::ALL.len(), "{language}");
        }
    }

    /// A table that was filled from another one by mistake shows by its letters.
    #[test]
    fn each_is_written_in_its_letters() {
        for language in Language::ALL {
            let words = Words::of(language);
            let all: String = frame(words).into_iter().chain(sentences(words)).collect();
            let greek = all.chars().filter(|c| ('\u{370}'..='\u{3ff}').contains(c)).count();
            let cyrillic = all.chars().filter(|c| ('\u{400}'..='\u{4ff}').contains(c)).count();
            assert_eq!(greek > 500, language == Language::Greek, "{language}");
            assert_eq!(cyrillic > 500, language == Language::Russian, "{language}");
            assert!(greek == 0 || cyrillic == 0, "{language}");
        }
    }
}
