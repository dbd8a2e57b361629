//! What somebody gives as the name to sign in with.

use posthouse_model::Address;

use crate::LoginScope;

/// What separates an account's address from the label of one of its keys. It cannot stand in a domain, so what follows
/// it there is a label and nothing else.
const LABEL_SEPARATOR: char = '/';

/// A name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoginName<'a> {
    /// Which account: its address, or its local part.
    pub account: &'a str,
    /// Which of its keys, if one is named; as it was written.
    pub label: Option<&'a str>,
}

impl<'a> LoginName<'a> {
    /// Takes a prepared name apart. Without a domain there is no label: `/` can stand in a local part.
    pub fn parse(name: &'a str) -> Self {
        let domain_at = name.rfind('@').map_or(name.len(), |at| at + 1);
        match name[domain_at..].find(LABEL_SEPARATOR) {
            Some(at) => {
                let at = domain_at + at;
                Self { account: &name[..at], label: Some(&name[at + LABEL_SEPARATOR.len_utf8()..]) }
            }
            None => Self { account: name, label: None },
        }
    }

    /// One text for all the ways in which a name can be written. A decoy made from anything else would differ where the
    /// verifier of a real account does not, and so show itself.
    pub fn folded(self, scope: &LoginScope) -> String {
        let full = full_name(self.account, scope).unwrap_or_else(|| self.account.to_owned());
        let account = Address::parse(&full).map_or_else(|_| full.to_lowercase(), |address| address.folded());
        match self.label {
            Some(label) => format!("{account}{LABEL_SEPARATOR}{}", label.to_lowercase()),
            None => account,
        }
    }
}

/// The account's name with its domain, where it has one or the scope completes it.
pub(crate) fn full_name(name: &str, scope: &LoginScope) -> Option<String> {
    match &scope.default_domain {
        _ if name.contains('@') => Some(name.to_owned()),
        Some(domain) => Some(format!("{name}@{domain}")),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, account: &str, label: Option<&str>) {
        assert_eq!(LoginName::parse(name), LoginName { account, label });
    }

    #[test]
    fn names_are_taken_apart() {
        check("ann@example.org", "ann@example.org", None);
        check("ann@example.org/phone", "ann@example.org", Some("phone"));
        check("ann@example.org/", "ann@example.org", Some(""));
        check("ann@example.org/a/b", "ann@example.org", Some("a/b"));
        check("ann/phone", "ann/phone", None);
        check("ann/x@example.org", "ann/x@example.org", None);
        check("ann/x@example.org/phone", "ann/x@example.org", Some("phone"));
        check("\"a@b/c\"@example.org/phone", "\"a@b/c\"@example.org", Some("phone"));
        check("", "", None);
        check("@/", "@", Some(""));
        check("änn@exämple.org/phöne", "änn@exämple.org", Some("phöne"));
    }
}
