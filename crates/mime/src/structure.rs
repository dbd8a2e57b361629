//! The parts of a message and where they are.

mod scan;
#[cfg(test)]
mod tests;

use crate::header::{HeaderField, first_field};
use crate::parameters::{self, Parameter};
use crate::span::Span;
use crate::transfer::TransferEncoding;

/// A message as offsets into its octets: header fields and the MIME tree, flattened.
///
/// Part 0 is the message itself. Parts stand in the order of the message, each after its parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Octets of the message.
    pub size: u64,
    /// Lines of the message: its LFs.
    pub lines: u64,
    /// The parts; never empty.
    pub parts: Vec<Part>,
    /// Whether a limit of [`limits`](crate::limits) hid fields or parts.
    pub truncated: bool,
}

/// One entity (RFC 2045 §2.4): the message, a part of a multipart, or the message that a `message/rfc822` part holds.
///
/// Media types, encodings, dispositions and parameter names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The index of the multipart or `message/rfc822` part that holds this one; None for the message itself.
    pub parent: Option<usize>,
    /// The indices of the parts of a multipart, or of the one message that a `message/rfc822` part holds.
    pub children: Vec<usize>,
    /// The header fields, in order.
    pub fields: Vec<HeaderField>,
    /// The header with the blank line that ends it, if there is one.
    pub header: Span,
    /// The body, without the line end that belongs to the boundary after it (RFC 2046 §5.1.1).
    pub body: Span,
    /// Lines of the body as it is transferred: its LFs.
    pub body_lines: u64,
    /// The type, such as `text`. It is the type to act on: a multipart in which no part was found is `text/plain`,
    /// and what lies too deep is `application/octet-stream`.
    pub media_type: String,
    /// The subtype, such as `plain`.
    pub media_subtype: String,
    /// Parameters of Content-Type.
    pub parameters: Vec<Parameter>,
    /// Content-Transfer-Encoding; `7bit` where the field is missing or unusable.
    pub encoding: String,
    /// Content-Disposition.
    pub disposition: Option<Disposition>,
    /// Content-ID, with its angle brackets.
    pub id: Option<String>,
    /// Content-Description, RFC 2047 encoded words left as they are.
    pub description: Option<String>,
    /// Content-MD5.
    pub md5: Option<String>,
    /// Tags of Content-Language, in lower case.
    pub languages: Vec<String>,
    /// Content-Location.
    pub location: Option<String>,
}

/// How a part wants to be presented (RFC 2183 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition {
    /// `inline`, `attachment` or another token.
    pub kind: String,
    /// The parameters, such as `filename`.
    pub parameters: Vec<Parameter>,
}

impl Structure {
    /// Finds header fields and parts. Never fails: what cannot be understood is opaque. Time is linear in the message,
    /// memory is bounded by [`limits`](crate::limits).
    #[must_use]
    pub fn parse(raw: &[u8]) -> Self {
        scan::scan(raw)
    }

    /// The message itself.
    #[must_use]
    pub fn root(&self) -> &Part {
        &self.parts[0]
    }

    /// The header fields of the message itself called `name` (in lower case), in order.
    pub fn fields_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a HeaderField> + 'a {
        self.root().fields.iter().filter(move |field| field.name.as_str() == name)
    }

    /// The parts that hold content themselves: neither multiparts nor `message/rfc822`.
    pub fn leaves(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.children.is_empty())
    }

    /// The first text part that is meant to be read, `text/plain` before `text/html` before any other: what a preview
    /// shows. Attachments do not count, and text of an embedded message only where there is no other.
    #[must_use]
    pub fn first_text(&self) -> Option<&Part> {
        let readable = || self.leaves().filter(|part| part.is_text() && !part.is_attachment());
        let own = || readable().filter(|part| !self.is_embedded(part) && !part.body.is_empty());
        let own_of = |subtype: &'static str| own().find(move |part| part.media_subtype == subtype);
        own_of("plain").or_else(|| own_of("html")).or_else(|| own().next()).or_else(|| readable().next())
    }

    /// Whether the part belongs to a message within this message.
    fn is_embedded(&self, part: &Part) -> bool {
        let parent = |part: &Part| part.parent.and_then(|parent| self.parts.get(parent));
        std::iter::successors(parent(part), |part| parent(part)).any(Part::is_message)
    }
}

impl Part {
    /// Whether this is a multipart with parts in it.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.media_type == "multipart"
    }

    /// Whether this part holds a message: `message/rfc822` or `message/global` (RFC 6532 §3.7).
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.media_type == "message" && !self.children.is_empty()
    }

    /// Whether this is text of any subtype.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.media_type == "text"
    }

    /// Whether the sender meant this part to be kept apart from the text.
    #[must_use]
    pub fn is_attachment(&self) -> bool {
        self.disposition.as_ref().is_some_and(|disposition| disposition.kind == "attachment")
    }

    /// The value of the first Content-Type parameter called `name` (in lower case).
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameters::find(&self.parameters, name)
    }

    /// The character set that a text part declares.
    #[must_use]
    pub fn charset(&self) -> Option<&str> {
        self.parameter("charset")
    }

    /// The file name: `filename` of the disposition, else `name` of the type. May be an RFC 2047 encoded word.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        let disposition = self.disposition.as_ref();
        disposition.and_then(|one| parameters::find(&one.parameters, "filename")).or_else(|| self.parameter("name"))
    }

    /// How the body is encoded.
    #[must_use]
    pub fn transfer_encoding(&self) -> TransferEncoding {
        TransferEncoding::from_token(&self.encoding)
    }

    /// The first header field called `name` (in lower case).
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&HeaderField> {
        first_field(&self.fields, name)
    }

    /// The octets of the value of the first header field called `name` (in lower case), still folded.
    #[must_use]
    pub fn field_value<'a>(&self, raw: &'a [u8], name: &str) -> Option<&'a [u8]> {
        self.field(name).map(|field| field.value.of(raw))
    }
}
