//! ENVELOPE (RFC 9051 §7.5.2).

use super::string::{push_nstring, push_string};
use crate::address::{Address, Mailbox, parse_some_addresses};
use crate::charset::text_from_raw;
use crate::header::unfold;
use crate::limits::MAX_RENDERED_ADDRESSES;
use crate::structure::Part;

/// Renders the envelope of a message: of the message itself ([`Structure::root`](crate::Structure::root)) or of one
/// that another holds.
///
/// ```text
/// envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP
///            env-bcc SP env-in-reply-to SP env-message-id ")"
/// ```
#[must_use]
pub fn render_envelope(message: &Part, raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    let mut budget = MAX_RENDERED_ADDRESSES;
    push_envelope(&mut out, message, raw, &mut budget);
    out
}

/// Appends an envelope with at most `budget` addresses, which are subtracted from it.
pub(super) fn push_envelope(out: &mut Vec<u8>, message: &Part, raw: &[u8], budget: &mut usize) {
    let text = |name| message.field_value(raw, name).map(|value| text_from_raw(&unfold(value)));
    let mut addresses = |name| address_list(message, raw, name, budget);
    let from = addresses("from");
    // RFC 9051 §7.5.2: absent or empty, these two are the same as From.
    let or_from = |list: Vec<u8>| if list == NIL { from.clone() } else { list };
    let lists = [
        from.clone(),
        or_from(addresses("sender")),
        or_from(addresses("reply-to")),
        addresses("to"),
        addresses("cc"),
        addresses("bcc"),
    ];
    out.push(b'(');
    push_nstring(out, text("date").as_deref());
    out.push(b' ');
    push_nstring(out, text("subject").as_deref());
    for list in &lists {
        out.push(b' ');
        out.extend_from_slice(list);
    }
    out.push(b' ');
    push_nstring(out, text("in-reply-to").as_deref());
    out.push(b' ');
    push_nstring(out, text("message-id").as_deref());
    out.push(b')');
}

const NIL: &[u8] = b"NIL";

/// `"(" 1*address ")" / nil`. All fields of the name count: RFC 5322 §3.6 allows one, but a second To must not hide.
fn address_list(message: &Part, raw: &[u8], name: &str, budget: &mut usize) -> Vec<u8> {
    let mut list = Vec::new();
    for field in message.fields.iter().filter(|field| field.name.as_str() == name) {
        for address in parse_some_addresses(field.value.of(raw), budget) {
            push_address(&mut list, &address);
        }
    }
    if list.is_empty() {
        return NIL.to_vec();
    }
    list.insert(0, b'(');
    list.push(b')');
    list
}

/// `address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"`. A group is a pair of marks around its
/// mailboxes, told by a host of NIL; so a mailbox without a host has an empty one.
fn push_address(list: &mut Vec<u8>, address: &Address) {
    match address {
        Address::Mailbox(mailbox) => push_mailbox(list, mailbox),
        Address::Group { name, members } => {
            list.extend_from_slice(b"(NIL NIL ");
            push_string(list, name);
            list.extend_from_slice(b" NIL)");
            for member in members {
                push_mailbox(list, member);
            }
            list.extend_from_slice(b"(NIL NIL NIL NIL)");
        }
    }
}

fn push_mailbox(list: &mut Vec<u8>, mailbox: &Mailbox) {
    list.push(b'(');
    push_nstring(list, mailbox.name.as_deref());
    list.push(b' ');
    push_nstring(list, mailbox.route.as_deref());
    list.push(b' ');
    push_string(list, &mailbox.local_part);
    list.push(b' ');
    push_string(list, &mailbox.domain);
    list.push(b')');
}
