//! The LIST and LSUB responses (RFC 9051 §7.3.1, RFC 5258 §6).

use posthouse_model::{MailboxName, SpecialUse};

use super::token::mailbox;
use crate::grammar::mailbox::NameEncoding;

/// A line of a LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListLine<'a> {
    pub(crate) name: &'a MailboxName,
    pub(crate) non_existent: bool,
    pub(crate) no_select: bool,
    /// It may not be looked into (RFC 5465 §3.1).
    pub(crate) no_access: bool,
    /// `\HasChildren` or `\HasNoChildren`, when it is told.
    pub(crate) has_children: Option<bool>,
    pub(crate) subscribed: bool,
    pub(crate) special_use: Option<SpecialUse>,
    /// `CHILDINFO ("SUBSCRIBED")`
    pub(crate) child_subscribed: bool,
}

/// `* LIST "(" [mbx-list-flags] ")" SP DQUOTE "/" DQUOTE SP mailbox [SP mbox-list-extended]`
pub(crate) fn list(out: &mut Vec<u8>, label: &str, line: &ListLine<'_>, encoding: NameEncoding) {
    out.extend_from_slice(b"* ");
    out.extend_from_slice(label.as_bytes());
    out.extend_from_slice(b" (");
    let attributes = [
        line.non_existent.then_some("\\NonExistent"),
        line.no_select.then_some("\\Noselect"),
        line.no_access.then_some("\\NoAccess"),
        line.has_children.map(|has| if has { "\\HasChildren" } else { "\\HasNoChildren" }),
        line.subscribed.then_some("\\Subscribed"),
        line.special_use.map(SpecialUse::attribute),
    ];
    let mut first = true;
    for attribute in attributes.into_iter().flatten() {
        if !std::mem::take(&mut first) {
            out.push(b' ');
        }
        out.extend_from_slice(attribute.as_bytes());
    }
    out.extend_from_slice(b") \"/\" ");
    mailbox(out, line.name, encoding);
    if line.child_subscribed {
        out.extend_from_slice(b" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
    }
    out.extend_from_slice(b"\r\n");
}
