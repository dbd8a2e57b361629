//! Writing the stored form.

use super::{presence, token};
use crate::header::HeaderField;
use crate::parameters::Parameter;
use crate::structure::{Part, Structure};
use crate::summary::Summary;

pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub fn new() -> Self {
        Self { out: Vec::with_capacity(256) }
    }

    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    pub fn octet(&mut self, octet: u8) {
        self.out.push(octet);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    /// A code, odd, or a length, even, with the octets after it.
    fn text(&mut self, text: &str) {
        match token::code(text) {
            Some(code) => self.number(code << 1 | 1),
            None => {
                self.number((text.len() as u64) << 1);
                self.out.extend_from_slice(text.as_bytes());
            }
        }
    }

    pub fn structure(&mut self, structure: &Structure) {
        self.number(structure.size);
        self.number(structure.lines);
        self.number(u64::from(structure.truncated));
        self.number(structure.parts.len() as u64);
        for (index, part) in structure.parts.iter().enumerate() {
            let parent = part.parent.map(|parent| (index.saturating_sub(parent), &structure.parts[parent]));
            self.number(parent.map_or(0, |(distance, _)| distance as u64));
            let origin = parent.map_or(0, |(_, parent)| parent.body.start);
            self.number(part.header.start.saturating_sub(origin));
            self.number(part.header.len());
            self.number(part.body.len());
            self.number(part.body_lines);
            self.number(part.fields.len() as u64);
            for field in &part.fields {
                self.field(field);
            }
            self.content(part);
        }
    }

    pub fn summary(&mut self, summary: &Summary) {
        match summary.sent {
            Some(sent) => {
                self.octet(1);
                self.signed_number(sent.unix_seconds);
                self.signed_number(i64::from(sent.offset_minutes));
            }
            None => self.octet(0),
        }
        self.text(&summary.subject);
        self.texts(summary.message_id.as_slice());
        self.texts(&summary.in_reply_to);
        self.texts(&summary.references);
        self.text(&summary.preview);
    }

    /// The sign in the lowest bit. Moments beyond 2^61 seconds, which no date can say, are cut to it.
    fn signed_number(&mut self, number: i64) {
        let magnitude = number.unsigned_abs().min(1 << 61);
        self.number(magnitude << 1 | u64::from(number < 0));
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len() as u64);
        for text in texts {
            self.text(text);
        }
    }

    fn field(&mut self, field: &HeaderField) {
        match field.name.code() {
            Some(code) => self.octet(code + 1),
            None => {
                let name = field.name.as_str();
                self.octet(0);
                self.number(name.len() as u64);
                self.out.extend_from_slice(name.as_bytes());
            }
        }
        let line_end = field.span.end.saturating_sub(field.value.end).min(2);
        self.number(field.value.len() * 3 + line_end);
    }

    fn content(&mut self, part: &Part) {
        let flags = presence_of(part);
        self.number(flags);
        if flags & presence::TYPE != 0 {
            self.text(&part.media_type);
            self.text(&part.media_subtype);
        }
        if flags & presence::PARAMETERS != 0 {
            self.parameters(&part.parameters);
        }
        if flags & presence::ENCODING != 0 {
            self.text(&part.encoding);
        }
        if let Some(disposition) = &part.disposition {
            self.text(&disposition.kind);
            self.parameters(&disposition.parameters);
        }
        for text in [&part.id, &part.description, &part.md5].into_iter().flatten() {
            self.text(text);
        }
        if flags & presence::LANGUAGES != 0 {
            self.texts(&part.languages);
        }
        if let Some(location) = &part.location {
            self.text(location);
        }
    }

    fn parameters(&mut self, parameters: &[Parameter]) {
        self.number(parameters.len() as u64);
        for parameter in parameters {
            self.text(&parameter.name);
            self.octet(u8::from(parameter.extended));
            self.text(&parameter.value);
        }
    }
}

fn presence_of(part: &Part) -> u64 {
    let flag = |present: bool, flag: u64| if present { flag } else { 0 };
    flag(part.media_type != "text" || part.media_subtype != "plain", presence::TYPE)
        | flag(!part.parameters.is_empty(), presence::PARAMETERS)
        | flag(part.encoding != "7bit", presence::ENCODING)
        | flag(part.disposition.is_some(), presence::DISPOSITION)
        | flag(part.id.is_some(), presence::ID)
        | flag(part.description.is_some(), presence::DESCRIPTION)
        | flag(part.md5.is_some(), presence::MD5)
        | flag(!part.languages.is_empty(), presence::LANGUAGES)
        | flag(part.location.is_some(), presence::LOCATION)
}
