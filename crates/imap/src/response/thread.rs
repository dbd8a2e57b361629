//! The THREAD response (RFC 5256 §4).

use super::token::number;

/// Deepest nesting of lists. RFC 5256 §4 knows no limit, but a client that recurses does: siblings that would lie
/// deeper are written one after the other. A conversation that does not branch needs no nesting, however long it is.
pub(crate) const MAX_THREAD_NESTING: usize = 256;

/// Siblings of which some are still to be written.
struct Level {
    left: u32,
    /// Each of them stands in parentheses.
    in_lists: bool,
}

/// ```text
/// thread-data    = "THREAD" [SP 1*thread-list]
/// thread-list    = "(" (thread-members / thread-nested) ")"
/// thread-members = nz-number *(SP nz-number) [SP thread-nested]
/// thread-nested  = 2*thread-list
/// ```
///
/// `nodes` are messages, or `None` for one that is missing, and the number of their children, which follow. Roots stand
/// side by side.
pub(crate) fn thread(out: &mut Vec<u8>, nodes: &[(Option<u32>, u32)]) {
    out.extend_from_slice(b"* THREAD");
    if !nodes.is_empty() {
        out.push(b' ');
    }
    let mut levels: Vec<Level> = Vec::new();
    let mut nesting = 0;
    for &(message, children) in nodes {
        if levels.last().is_none_or(|level| level.in_lists) {
            out.push(b'(');
        } else if !out.ends_with(b"(") {
            out.push(b' ');
        }
        if let Some(message) = message {
            number(out, u64::from(message));
        }
        if children > 0 {
            let in_lists = (children > 1 || message.is_none()) && nesting < MAX_THREAD_NESTING;
            if in_lists {
                nesting += 1;
                if message.is_some() {
                    out.push(b' ');
                }
            }
            levels.push(Level { left: children, in_lists });
            continue;
        }
        // The end of a message without children may be the end of many of its ancestors.
        loop {
            let Some(level) = levels.last_mut() else {
                out.push(b')');
                break;
            };
            if level.in_lists {
                out.push(b')');
            }
            level.left -= 1;
            if level.left > 0 {
                break;
            }
            nesting -= usize::from(level.in_lists);
            levels.pop();
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(nodes: &[(u32, u32)], expected: &str) {
        let nodes: Vec<_> = nodes.iter().map(|&(uid, children)| ((uid > 0).then_some(uid), children)).collect();
        let mut out = Vec::new();
        thread(&mut out, &nodes);
        assert_eq!(String::from_utf8(out).unwrap(), format!("* THREAD{expected}\r\n"));
    }

    #[test]
    fn conversations() {
        check(&[], "");
        check(&[(2, 0)], " (2)");
        // The examples of RFC 5256 §4.
        check(&[(2, 0), (3, 1), (6, 2), (4, 1), (23, 0), (44, 1), (7, 1), (96, 0)], " (2)(3 6 (4 23)(44 7 96))");
        check(&[(0, 2), (3, 0), (5, 0)], " ((3)(5))");
        check(&[(0, 2), (3, 1), (4, 0), (5, 2), (6, 0), (7, 0), (8, 0)], " ((3 4)(5 (6)(7)))(8)");
        check(&[(1, 1), (2, 1), (3, 0), (4, 0)], " (1 2 3)(4)");
        check(&[(1, 2), (2, 2), (3, 0), (4, 0), (5, 0), (6, 0)], " (1 (2 (3)(4))(5))(6)");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = 10_000;
        let mut nodes = vec![(Some(1), 2); deep];
        nodes.extend(vec![(Some(2), 0); deep + 1]);
        let mut out = Vec::new();
        thread(&mut out, &nodes);
        let mut depth = 0_usize;
        let mut deepest = 0;
        for octet in &out {
            match octet {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        assert_eq!(depth, 0);
        assert!(deepest <= MAX_THREAD_NESTING + 1, "{deepest}");
        let numbers = String::from_utf8(out).unwrap();
        let numbers = numbers.split(|character: char| !character.is_ascii_digit()).filter(|word| !word.is_empty());
        assert_eq!(numbers.count(), 2 * deep + 1);
    }
}
