//! BODY and BODYSTRUCTURE (RFC 9051 §7.5.2).

use super::envelope::push_envelope;
use super::string::{push_nstring, push_number, push_string};
use crate::limits::MAX_RENDERED_ADDRESSES;
use crate::parameters::Parameter;
use crate::structure::{Disposition, Part, Structure};

/// Renders BODYSTRUCTURE.
#[must_use]
pub fn render_bodystructure(structure: &Structure, raw: &[u8]) -> Vec<u8> {
    Renderer::new(structure, raw, true).render()
}

/// Renders BODY: the same without extension data.
#[must_use]
pub fn render_body(structure: &Structure, raw: &[u8]) -> Vec<u8> {
    Renderer::new(structure, raw, false).render()
}

struct Renderer<'a> {
    structure: &'a Structure,
    raw: &'a [u8],
    extended: bool,
    address_budget: usize,
    out: Vec<u8>,
}

impl<'a> Renderer<'a> {
    fn new(structure: &'a Structure, raw: &'a [u8], extended: bool) -> Self {
        Self { structure, raw, extended, address_budget: MAX_RENDERED_ADDRESSES, out: Vec::with_capacity(256) }
    }

    fn render(mut self) -> Vec<u8> {
        self.push_part(self.structure.root());
        self.out
    }

    /// Goes as deep as the structure, which [`MAX_DEPTH`](crate::limits::MAX_DEPTH) bounds.
    fn push_part(&mut self, part: &Part) {
        self.out.push(b'(');
        if part.is_multipart() {
            self.push_multipart(part);
        } else {
            self.push_single(part);
        }
        self.out.push(b')');
    }

    /// `body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]`
    fn push_multipart(&mut self, part: &Part) {
        let structure = self.structure;
        for child in &part.children {
            self.push_part(&structure.parts[*child]);
        }
        self.out.push(b' ');
        push_string(&mut self.out, &part.media_subtype);
        if self.extended {
            self.out.push(b' ');
            self.push_parameters(&part.parameters);
            self.push_shared_extension(part);
        }
    }

    /// `body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]`
    fn push_single(&mut self, part: &Part) {
        push_string(&mut self.out, &part.media_type);
        self.out.push(b' ');
        push_string(&mut self.out, &part.media_subtype);
        self.out.push(b' ');
        self.push_type_parameters(part);
        self.out.push(b' ');
        push_nstring(&mut self.out, part.id.as_deref());
        self.out.push(b' ');
        push_nstring(&mut self.out, part.description.as_deref());
        self.out.push(b' ');
        push_string(&mut self.out, &part.encoding);
        self.out.push(b' ');
        push_number(&mut self.out, part.body.len());
        if part.is_message() {
            let structure = self.structure;
            let message = &structure.parts[part.children[0]];
            self.out.push(b' ');
            push_envelope(&mut self.out, message, self.raw, &mut self.address_budget);
            self.out.push(b' ');
            self.push_part(message);
        }
        if part.is_message() || part.is_text() {
            self.out.push(b' ');
            push_number(&mut self.out, part.body_lines);
        }
        if self.extended {
            self.out.push(b' ');
            push_nstring(&mut self.out, part.md5.as_deref());
            self.push_shared_extension(part);
        }
    }

    /// `SP body-fld-dsp SP body-fld-lang SP body-fld-loc`
    fn push_shared_extension(&mut self, part: &Part) {
        self.out.push(b' ');
        match &part.disposition {
            Some(disposition) => self.push_disposition(disposition),
            None => self.out.extend_from_slice(b"NIL"),
        }
        self.out.push(b' ');
        match part.languages.as_slice() {
            [] => self.out.extend_from_slice(b"NIL"),
            [language] => push_string(&mut self.out, language),
            languages => {
                for (at, language) in languages.iter().enumerate() {
                    self.out.push(if at == 0 { b'(' } else { b' ' });
                    push_string(&mut self.out, language);
                }
                self.out.push(b')');
            }
        }
        self.out.push(b' ');
        push_nstring(&mut self.out, part.location.as_deref());
    }

    fn push_disposition(&mut self, disposition: &Disposition) {
        self.out.push(b'(');
        push_string(&mut self.out, &disposition.kind);
        self.out.push(b' ');
        self.push_parameters(&disposition.parameters);
        self.out.push(b')');
    }

    /// RFC 2045 §5.2: plain text without a character set is US-ASCII.
    fn push_type_parameters(&mut self, part: &Part) {
        if part.is_text() && part.media_subtype == "plain" && part.charset().is_none() {
            let charset = Parameter { name: "charset".to_owned(), value: "us-ascii".to_owned(), extended: false };
            let parameters: Vec<Parameter> = std::iter::once(charset).chain(part.parameters.iter().cloned()).collect();
            self.push_parameters(&parameters);
        } else {
            self.push_parameters(&part.parameters);
        }
    }

    /// `body-fld-param = "(" string SP string *(SP string SP string) ")" / nil`
    fn push_parameters(&mut self, parameters: &[Parameter]) {
        if parameters.is_empty() {
            self.out.extend_from_slice(b"NIL");
            return;
        }
        for (at, parameter) in parameters.iter().enumerate() {
            self.out.push(if at == 0 { b'(' } else { b' ' });
            if parameter.extended && !parameter.value.is_ascii() {
                // Joined, in UTF-8, under the name with the star, as RFC 9051 §7.5.2 says; percent encoded as in
                // RFC 2231 §4, because that is what clients expect of such a name.
                push_string(&mut self.out, &format!("{}*", parameter.name));
                self.out.push(b' ');
                push_string(&mut self.out, &extended_value(&parameter.value));
            } else {
                push_string(&mut self.out, &parameter.name);
                self.out.push(b' ');
                push_string(&mut self.out, &parameter.value);
            }
        }
        self.out.push(b')');
    }
}

/// RFC 2231 §7 `extended-other-values` in UTF-8.
fn extended_value(value: &str) -> String {
    let mut encoded = "utf-8''".to_owned();
    for octet in value.bytes() {
        if octet.is_ascii_alphanumeric() || b"!#$&+-.^_`{|}~".contains(&octet) {
            encoded.push(char::from(octet));
        } else {
            encoded.push_str(&format!("%{octet:02X}"));
        }
    }
    encoded
}
