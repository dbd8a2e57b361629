//! The text that a reader sees in HTML. Not a parser: it knows tags, comments, entities and what is never shown.

/// Elements whose content is not shown.
const HIDDEN: [&str; 5] = ["style", "script", "head", "title", "template"];

/// Elements that stand in the line of the text. All others separate words.
const INLINE: [&str; 17] = [
    "a", "abbr", "b", "big", "code", "em", "font", "i", "ins", "mark", "s", "small", "span", "strong", "sub", "sup",
    "u",
];

/// Octets of an entity name that are looked at.
const MAX_ENTITY_BYTES: usize = 12;

/// What is left of `html` without tags, comments, styles and scripts, with common entities resolved. Linear in `html`,
/// and never longer.
pub(crate) fn visible_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('&') {
            push_entity(&mut text, rest)
        } else if let Some(comment) = rest.strip_prefix("<!--") {
            after(comment, "-->")
        } else if rest[1..].starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')) {
            skip_tag(&mut text, rest)
        } else {
            text.push('<');
            &rest[1..]
        };
    }
    text.push_str(rest);
    text.trim().to_owned()
}

/// Steps over a tag, and over the content of an element that is not shown.
fn skip_tag<'a>(text: &mut String, tag: &'a str) -> &'a str {
    let name_end = tag[1..].find(|character: char| !character.is_ascii_alphanumeric() && character != '/');
    let name = &tag[1..name_end.map_or(tag.len(), |end| end + 1)];
    let name = name.trim_end_matches('/').to_ascii_lowercase();
    let rest = after_tag(tag);
    if HIDDEN.contains(&name.as_str()) {
        return after_element(rest, &name);
    }
    let separates = !INLINE.contains(&name.trim_start_matches('/'));
    if separates && !text.ends_with(char::is_whitespace) && !text.is_empty() {
        text.push(if matches!(name.as_str(), "td" | "th" | "img") { ' ' } else { '\n' });
    }
    rest
}

/// What follows the `>` of a tag. One within a quoted attribute does not count, unless the quote is never closed.
fn after_tag(tag: &str) -> &str {
    let octets = tag.as_bytes();
    let mut quote = None;
    for (at, octet) in octets.iter().enumerate() {
        match (quote, octet) {
            (None, b'>') => return &tag[at + 1..],
            (None, b'"' | b'\'') if octets.get(at.wrapping_sub(1)) == Some(&b'=') => quote = Some(*octet),
            (Some(open), octet) if open == *octet => quote = None,
            _ => {}
        }
    }
    after(tag, ">")
}

/// What follows `</name>`; nothing where the element is never closed.
fn after_element<'a>(content: &'a str, name: &str) -> &'a str {
    let mut rest = content;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)) {
            return after(rest, ">");
        }
    }
    ""
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.find(end).map_or("", |at| &text[at + end.len()..])
}

/// Resolves the entity at the start of `rest`, or keeps the `&`.
fn push_entity<'a>(text: &mut String, rest: &'a str) -> &'a str {
    let window = &rest.as_bytes()[1..rest.len().min(MAX_ENTITY_BYTES + 1)];
    if let Some(end) = memchr::memchr(b';', window) {
        let name = &rest[1..=end];
        if let Some(character) = entity(name) {
            text.push(character);
            return &rest[end + 2..];
        }
    }
    text.push('&');
    &rest[1..]
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|character| *character != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "zwnj" => '\u{200c}',
        "zwj" => '\u{200d}',
        "shy" => '\u{ad}',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "euro" => '€',
        "pound" => '£',
        "hellip" => '…',
        "ndash" => '–',
        "mdash" => '—',
        "lsquo" => '‘',
        "rsquo" => '’',
        "ldquo" => '“',
        "rdquo" => '”',
        "laquo" => '«',
        "raquo" => '»',
        "bull" => '•',
        "middot" => '·',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "agrave" => 'à',
        "aacute" => 'á',
        "acirc" => 'â',
        "ccedil" => 'ç',
        "egrave" => 'è',
        "eacute" => 'é',
        "ecirc" => 'ê',
        "iacute" => 'í',
        "ntilde" => 'ñ',
        "oacute" => 'ó',
        "uacute" => 'ú',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(html: &str, expected: &str) {
        assert_eq!(visible_text(html), expected, "{html}");
    }

    #[test]
    fn what_is_seen() {
        check("a <b>b</b>c", "a bc");
        check("<p>one</p><p>two</p>", "one\ntwo");
        check("<head><title>x</title></head><style>y</style>z", "z");
        check("<STYLE type='a>b'>x</StYle>y", "y");
        check("a<!-- <b> -->b", "ab");
        check("a &lt; b &#8364; &#x41; &unknown; &", "a < b € A &unknown; &");
        check("1 < 2", "1 < 2");
        check("<a href=\"x>y\">link</a>", "link");
        check("a<br/>b", "a\nb");
    }

    #[test]
    fn what_is_broken() {
        check("a<b", "a");
        check("a<a href=\"never closed>b", "ab");
        check("<script>never closed", "");
        check("a<!-- never closed", "a");
        check("&#0;&#xFFFFFFFF;", "&#0;&#xFFFFFFFF;");
        check("<ü>", "<ü>");
    }

    proptest! {
        #[test]
        fn nothing_panics(html in "(<|>|&|;|/|style|<!--|-->|[a-zü\"'= #])*") {
            prop_assert!(visible_text(&html).len() <= html.len());
        }
    }
}
