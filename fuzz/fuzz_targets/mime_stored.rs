//! The stored form of a structure: any octets may come back from a disk, and what is read once is written the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use posthouse_mime::{Rendered, Section, SectionKind, Structure, Summary, decode_part, part_text, preview};

/// Uses a structure with a message that it was not made from.
fn check_structure(stored: &[u8], raw: &[u8]) {
    let Ok(structure) = Structure::decode(stored) else { return };
    assert_eq!(Structure::decode(&structure.encode()).as_ref(), Ok(&structure));
    let _ = Rendered::new(&structure, raw);
    let _ = preview(&structure, raw);
    for part in &structure.parts {
        let _ = decode_part(part, raw);
        let _ = part_text(part, raw, 100);
    }
    for path in [vec![], vec![1], vec![2], vec![1, 1], vec![1, 2, 1]] {
        for kind in
            [SectionKind::Full, SectionKind::Header, SectionKind::HeaderFieldsNot(Vec::new()), SectionKind::Mime]
        {
            if let Some(section) = structure.section(&Section { path: path.clone(), kind }) {
                let _ = section.of(raw);
                let _ = section.partial(3, u64::MAX).of(raw);
            }
        }
    }
}

fn check_summary(stored: &[u8]) {
    let Ok(summary) = Summary::decode(stored) else { return };
    assert_eq!(Summary::decode(&summary.encode()).as_ref(), Ok(&summary));
}

/// Changes the octets that `damage` names: pairs of a place and what to add there.
fn damaged(mut stored: Vec<u8>, damage: &[u8]) -> Vec<u8> {
    for pair in damage.chunks_exact(2) {
        let at = usize::from(pair[0]) % stored.len().max(1);
        if let Some(octet) = stored.get_mut(at) {
            *octet = octet.wrapping_add(pair[1]);
        }
    }
    stored
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, input)) = input.split_first() else { return };
    match kind {
        // The octets are a stored form.
        b's' => {
            check_structure(input, b"Subject: x\r\n\r\nbody\r\n");
            check_summary(input);
        }
        // They are a message, behind the damage that its stored form takes.
        _ => {
            let (damage, raw) = input.split_at(usize::from(kind & 7).min(input.len() / 2) * 2);
            let structure = Structure::parse(raw);
            assert_eq!(Structure::decode(&structure.encode()).as_ref(), Ok(&structure));
            check_structure(&damaged(structure.encode(), damage), raw);
            check_summary(&damaged(Summary::new(&structure, raw).encode(), damage));
        }
    }
});
