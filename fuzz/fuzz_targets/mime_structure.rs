//! Any bytes are a message: parsing never fails, and every offset lies within them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_mime::{Span, Structure};

fuzz_target!(|raw: &[u8]| {
    let structure = Structure::parse(raw);
    assert_eq!(structure.size, raw.len() as u64);
    let lies_in =
        |span: Span, outer: Span| outer.start <= span.start && span.start <= span.end && span.end <= outer.end;
    let message = Span { start: 0, end: structure.size };
    for (index, part) in structure.parts.iter().enumerate() {
        let outer = match part.parent {
            Some(parent) => {
                assert!(parent < index, "a part stands after its parent");
                structure.parts[parent].body
            }
            None => message,
        };
        assert!(lies_in(part.header, outer), "header of part {index}");
        assert!(lies_in(part.body, outer), "body of part {index}");
        for child in &part.children {
            assert_eq!(structure.parts[*child].parent, Some(index));
        }
        for field in &part.fields {
            assert!(lies_in(field.value, part.header), "a field of part {index}");
        }
    }
});
