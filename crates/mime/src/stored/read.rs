//! Reading the stored form.

use super::{DecodeError, VERSION, presence, token};
use crate::date::DateTime;
use crate::header::{FieldName, HeaderField};
use crate::limits::MAX_DEPTH;
use crate::parameters::Parameter;
use crate::span::Span;
use crate::structure::{Disposition, Part, Structure};
use crate::summary::Summary;

pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    pub fn version(&mut self) -> Result<(), DecodeError> {
        match self.octet()? {
            VERSION => Ok(()),
            other => Err(DecodeError::UnknownVersion(other)),
        }
    }

    /// Holds if everything was read.
    pub fn end(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingOctets(left)),
        }
    }

    fn octet(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let octet = self.octet()?;
            number |= u64::from(octet & 0x7f) << shift;
            if octet < 0x80 {
                return Ok(number);
            }
        }
        Err(DecodeError::Malformed)
    }

    pub(super) fn numbers<const N: usize>(&mut self) -> Result<[u64; N], DecodeError> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Ok(numbers)
    }

    /// A number of things that take at least an octet each.
    fn count(&mut self) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.number()?).map_err(|_| DecodeError::Malformed)?;
        if count > self.rest.len() { Err(DecodeError::Truncated) } else { Ok(count) }
    }

    fn octets(&mut self, length: u64) -> Result<&'a [u8], DecodeError> {
        let length = usize::try_from(length).map_err(|_| DecodeError::Truncated)?;
        let (octets, rest) = self.rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(octets)
    }

    fn text(&mut self) -> Result<String, DecodeError> {
        let number = self.number()?;
        if number & 1 == 1 {
            return token::text(number >> 1).map(str::to_owned).ok_or(DecodeError::Malformed);
        }
        let octets = self.octets(number >> 1)?;
        std::str::from_utf8(octets).map(str::to_owned).map_err(|_| DecodeError::Malformed)
    }

    pub fn structure(&mut self) -> Result<Structure, DecodeError> {
        let size = self.number()?;
        let lines = self.number()?;
        let truncated = self.number()? & 1 == 1;
        let count = self.count()?;
        let mut parts: Vec<Part> = Vec::with_capacity(count);
        let mut depths: Vec<usize> = Vec::with_capacity(count);
        for index in 0..count {
            let inconsistent = DecodeError::Inconsistent { part: index };
            let distance = usize::try_from(self.number()?).map_err(|_| DecodeError::Malformed)?;
            let parent = match (index, distance) {
                (0, 0) => None,
                (_, 1..) => Some(index.checked_sub(distance).ok_or(inconsistent)?),
                _ => return Err(inconsistent),
            };
            let origin = parent.map_or(0, |parent| parts[parent].body.start);
            let mut part = self.part(origin, inconsistent)?;
            // What renders a structure goes as deep as it is.
            let depth = parent.map_or(0, |parent| depths[parent] + 1);
            if part.body.end > size || depth > MAX_DEPTH {
                return Err(inconsistent);
            }
            part.parent = parent;
            if let Some(parent) = parent {
                parts[parent].children.push(index);
            }
            parts.push(part);
            depths.push(depth);
        }
        if parts.is_empty() {
            return Err(DecodeError::Inconsistent { part: 0 });
        }
        match parts.iter().position(|part| part.is_multipart() && part.children.is_empty()) {
            Some(part) => Err(DecodeError::Inconsistent { part }),
            None => Ok(Structure { size, lines, parts, truncated }),
        }
    }

    pub fn summary(&mut self) -> Result<Summary, DecodeError> {
        let sent = match self.octet()? {
            0 => None,
            1 => {
                let unix_seconds = self.signed_number()?;
                let offset_minutes = i16::try_from(self.signed_number()?).map_err(|_| DecodeError::Malformed)?;
                Some(DateTime { unix_seconds, offset_minutes })
            }
            _ => return Err(DecodeError::Malformed),
        };
        let subject = self.text()?;
        let message_id = self.texts()?.pop();
        let in_reply_to = self.texts()?;
        let references = self.texts()?;
        Ok(Summary { sent, subject, message_id, in_reply_to, references, preview: self.text()? })
    }

    /// The sign in the lowest bit.
    fn signed_number(&mut self) -> Result<i64, DecodeError> {
        let number = self.number()?;
        // 63 bits at most were read, so halving leaves room for the sign.
        let magnitude = (number >> 1) as i64;
        Ok(if number & 1 == 1 { -magnitude } else { magnitude })
    }

    fn part(&mut self, origin: u64, inconsistent: DecodeError) -> Result<Part, DecodeError> {
        let start = origin.checked_add(self.number()?).ok_or(inconsistent)?;
        let body_start = start.checked_add(self.number()?).ok_or(inconsistent)?;
        let body_end = body_start.checked_add(self.number()?).ok_or(inconsistent)?;
        let body_lines = self.number()?;
        let count = self.count()?;
        let mut fields = Vec::with_capacity(count);
        let mut position = start;
        for _ in 0..count {
            let field = self.field(position, inconsistent)?;
            position = field.span.end;
            fields.push(field);
        }
        if position > body_start {
            return Err(inconsistent);
        }
        let mut part = Part {
            parent: None,
            children: Vec::new(),
            fields,
            header: Span { start, end: body_start },
            body: Span { start: body_start, end: body_end },
            body_lines,
            media_type: String::new(),
            media_subtype: String::new(),
            parameters: Vec::new(),
            encoding: String::new(),
            disposition: None,
            id: None,
            description: None,
            md5: None,
            languages: Vec::new(),
            location: None,
        };
        self.content(&mut part)?;
        Ok(part)
    }

    fn field(&mut self, start: u64, inconsistent: DecodeError) -> Result<HeaderField, DecodeError> {
        let name = match self.octet()?.checked_sub(1) {
            Some(code) => FieldName::from_code(code).ok_or(DecodeError::Malformed)?,
            None => {
                let length = self.number()?;
                FieldName::parse(self.octets(length)?)
            }
        };
        let number = self.number()?;
        let (length, line_end) = (number / 3, number % 3);
        let before_value = if name.is_none() { 0 } else { name.as_str().len() as u64 + 1 };
        let value_start = start.checked_add(before_value).ok_or(inconsistent)?;
        let value_end = value_start.checked_add(length).ok_or(inconsistent)?;
        let end = value_end.checked_add(line_end).ok_or(inconsistent)?;
        let value = Span { start: value_start, end: value_end };
        Ok(HeaderField { name, span: Span { start, end }, value })
    }

    fn content(&mut self, part: &mut Part) -> Result<(), DecodeError> {
        let flags = self.number()?;
        if flags & !presence::ALL != 0 {
            return Err(DecodeError::Malformed);
        }
        let has = |flag| flags & flag != 0;
        if has(presence::TYPE) {
            part.media_type = self.text()?;
            part.media_subtype = self.text()?;
        } else {
            part.media_type = "text".to_owned();
            part.media_subtype = "plain".to_owned();
        }
        if has(presence::PARAMETERS) {
            part.parameters = self.parameters()?;
        }
        part.encoding = if has(presence::ENCODING) { self.text()? } else { "7bit".to_owned() };
        if has(presence::DISPOSITION) {
            part.disposition = Some(Disposition { kind: self.text()?, parameters: self.parameters()? });
        }
        part.id = self.optional_text(has(presence::ID))?;
        part.description = self.optional_text(has(presence::DESCRIPTION))?;
        part.md5 = self.optional_text(has(presence::MD5))?;
        if has(presence::LANGUAGES) {
            part.languages = self.texts()?;
        }
        part.location = self.optional_text(has(presence::LOCATION))?;
        Ok(())
    }

    fn texts(&mut self) -> Result<Vec<String>, DecodeError> {
        (0..self.count()?).map(|_| self.text()).collect()
    }

    fn optional_text(&mut self, present: bool) -> Result<Option<String>, DecodeError> {
        present.then(|| self.text()).transpose()
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>, DecodeError> {
        let count = self.count()?;
        let mut parameters = Vec::with_capacity(count);
        for _ in 0..count {
            let name = self.text()?;
            let extended = self.octet()? == 1;
            parameters.push(Parameter { name, value: self.text()?, extended });
        }
        Ok(parameters)
    }
}
