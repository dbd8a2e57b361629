//! Which mailboxes are moved.

use posthouse_model::MailboxName;
use posthouse_model::mailbox_name::MailboxNameError;

use crate::Folder;

/// Which mailboxes are moved, and below which one they are put.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxChoice {
    /// Only those whose names fit one of these; all, if there is none. `*` stands for anything.
    pub only: Vec<String>,
    /// And none whose name fits one of these.
    pub except: Vec<String>,
    /// Below this one.
    pub below: Option<MailboxName>,
}

impl MailboxChoice {
    /// Whether a folder of this name is moved.
    pub fn takes(&self, name: &MailboxName) -> bool {
        let fits = |pattern: &String| fits(pattern, name.as_str());
        (self.only.is_empty() || self.only.iter().any(fits)) && !self.except.iter().any(fits)
    }

    /// The folder as it is to be called at the target.
    ///
    /// # Errors
    /// When its name would be too long or too deep.
    pub fn placed(&self, folder: &Folder) -> Result<Folder, MailboxNameError> {
        let Some(below) = &self.below else { return Ok(folder.clone()) };
        // What is put below another mailbox is a copy: the account's own Sent stays the one there is.
        let name = MailboxName::parse(&format!("{below}/{}", folder.name))?;
        Ok(Folder { name, special_use: None, ..folder.clone() })
    }
}

/// Whether a name is what a pattern says, in which `*` stands for anything. INBOX may be written in any case.
fn fits(pattern: &str, name: &str) -> bool {
    if name == "INBOX" && pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit() {
        for (pattern, name, expected) in [
            ("Work", "Work", true),
            ("Work", "Work/a", false),
            ("Work*", "Work/a", true),
            ("*/a", "Work/a", true),
            ("W*k/*", "Work/a", true),
            ("W*k/*b", "Work/a", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("inbox", "INBOX", true),
            ("work", "Work", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn choices_are_made() {
        let name = |text: &str| MailboxName::parse(text).unwrap();
        let choice = MailboxChoice { only: vec!["W*".into()], except: vec!["*spam".into()], below: None };
        assert!(choice.takes(&name("Work")) && !choice.takes(&name("Work/spam")) && !choice.takes(&name("Home")));
        assert!(MailboxChoice::default().takes(&name("x")));
    }
}
