//! What a client reads.

use std::collections::BTreeSet;

use super::reference::FlagNames;

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `+ …`
    Continue,
    /// `tag OK [code] …`
    Tagged {
        tag: String,
        condition: String,
        code: String,
    },
    /// `* OK [code] …` and `* NO [code] …`
    Told(String),
    Exists(usize),
    Expunge(usize),
    Vanished {
        earlier: bool,
        uids: Vec<u32>,
    },
    Row(Row),
    /// `* SEARCH …` and `* SORT …`
    Found(Vec<u32>),
    /// `* THREAD …`
    Threads(Vec<Node>),
    /// `* ESEARCH (TAG "…") [UID] …`
    Esearch {
        tag: String,
        by_uid: bool,
        data: Vec<(String, String)>,
    },
    Other,
}

/// `* n FETCH (…)`, or `* uid UIDFETCH (…)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub number: u32,
    pub names_uid: bool,
    pub uid: Option<u32>,
    pub flags: Option<FlagNames>,
    pub modseq: Option<u64>,
    pub text: Option<String>,
}

/// A message in a conversation, and the answers to it. One that is missing has no number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub number: Option<u32>,
    pub answers: Vec<Node>,
}

impl Node {
    /// All numbers here and below.
    pub(super) fn numbers(&self) -> Vec<u32> {
        self.number.into_iter().chain(self.answers.iter().flat_map(Self::numbers)).collect()
    }

    /// It, or what lies below it, with this number.
    pub(super) fn find(&self, number: u32) -> Option<&Self> {
        if self.number == Some(number) {
            return Some(self);
        }
        self.answers.iter().find_map(|answer| answer.find(number))
    }
}

/// All of an output.
pub(super) fn replies(mut output: &str) -> Vec<Reply> {
    let mut replies = Vec::new();
    while !output.is_empty() {
        let (line, literal, rest) = line(output);
        replies.push(reply(&line, literal.as_deref()));
        output = rest;
    }
    replies
}

/// A line, in which a literal is only its size; the literal; and what follows.
fn line(output: &str) -> (String, Option<String>, &str) {
    let (start, rest) = output.split_once("\r\n").expect("lines end");
    let size = start.strip_suffix('}').and_then(|start| start.rsplit_once('{')).and_then(|(_, size)| size.parse().ok());
    let Some(size): Option<usize> = size else { return (start.to_owned(), None, rest) };
    let (literal, rest) = rest.split_at(size);
    let (end, more, rest) = line(rest);
    assert_eq!(more, None, "one literal in a line is all that is asked for");
    (format!("{start}{end}"), Some(literal.to_owned()), rest)
}

fn reply(line: &str, literal: Option<&str>) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    let code =
        || line.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map_or("", |(code, _)| code).to_owned();
    match (words[0], words.get(1).copied().unwrap_or(""), words.get(2).copied().unwrap_or("")) {
        ("+", ..) => Reply::Continue,
        ("*", "OK" | "NO", _) => Reply::Told(code()),
        ("*", number, "EXISTS") => Reply::Exists(number.parse().unwrap()),
        ("*", number, "EXPUNGE") => Reply::Expunge(number.parse().unwrap()),
        ("*", "VANISHED", "(EARLIER)") => Reply::Vanished { earlier: true, uids: numbers(words[3]) },
        ("*", "VANISHED", uids) => Reply::Vanished { earlier: false, uids: numbers(uids) },
        ("*", number, verb @ ("FETCH" | "UIDFETCH")) => {
            let (_, items) = line.split_once('(').unwrap();
            let number = number.parse().unwrap();
            Reply::Row(row(Row { number, names_uid: verb == "UIDFETCH", ..Row::default() }, items, literal))
        }
        ("*", "SEARCH" | "SORT", _) => {
            let numbers = line.split(" (MODSEQ").next().unwrap().split(' ').skip(2).filter(|word| !word.is_empty());
            Reply::Found(numbers.map(|number| number.parse().unwrap()).collect())
        }
        ("*", "ESEARCH", _) => esearch(line),
        ("*", "THREAD", _) => {
            let mut rest = line.strip_prefix("* THREAD").unwrap().trim_start();
            let threads = lists(&mut rest);
            assert_eq!(rest, "", "{line}");
            Reply::Threads(threads)
        }
        ("*", ..) => Reply::Other,
        (tag, condition, _) => Reply::Tagged { tag: tag.to_owned(), condition: condition.to_owned(), code: code() },
    }
}

/// `UID 1 FLAGS (\Seen) MODSEQ (3) BODY[] {5})`
fn row(mut row: Row, items: &str, literal: Option<&str>) -> Row {
    let mut rest = items.strip_suffix(')').unwrap();
    while !rest.is_empty() {
        let (name, value) = rest.split_once(' ').unwrap();
        let end =
            if value.starts_with('(') { value.find(')').unwrap() + 1 } else { value.find(' ').unwrap_or(value.len()) };
        let (value, more) = value.split_at(end);
        let inner = value.trim_matches(['(', ')']);
        match name {
            "UID" => row.uid = Some(inner.parse().unwrap()),
            "FLAGS" => row.flags = Some(inner.split(' ').filter(|flag| !flag.is_empty()).map(str::to_owned).collect()),
            "MODSEQ" => row.modseq = Some(inner.parse().unwrap()),
            _ => row.text = literal.map(str::to_owned),
        }
        rest = more.trim_start();
    }
    row
}

fn esearch(line: &str) -> Reply {
    let (_, rest) = line.split_once("(TAG \"").unwrap();
    let (tag, rest) = rest.split_once("\")").unwrap();
    let rest = rest.trim_start();
    let (by_uid, mut rest) = rest.strip_prefix("UID").map_or((false, rest), |rest| (true, rest.trim_start()));
    let mut data = Vec::new();
    while !rest.is_empty() {
        let (name, value) = rest.split_once(' ').unwrap();
        let end =
            if value.starts_with('(') { value.find(')').unwrap() + 1 } else { value.find(' ').unwrap_or(value.len()) };
        let (value, more) = value.split_at(end);
        data.push((name.to_owned(), value.trim_matches(['(', ')']).to_owned()));
        rest = more.trim_start();
    }
    Reply::Esearch { tag: tag.to_owned(), by_uid, data }
}

/// `(1 2)(3 (4)(5))`
fn lists(rest: &mut &str) -> Vec<Node> {
    let mut lists = Vec::new();
    while let Some(inner) = rest.strip_prefix('(') {
        *rest = inner;
        lists.push(members(rest));
        *rest = rest.strip_prefix(')').expect("lists end");
    }
    lists
}

/// `1 2 (3)(4)`
fn members(rest: &mut &str) -> Node {
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap();
    let (number, after) = rest.split_at(digits);
    *rest = after.trim_start();
    let answers = match rest.chars().next() {
        Some('(') => lists(rest),
        Some(')') => Vec::new(),
        _ => vec![members(rest)],
    };
    Node { number: number.parse().ok(), answers }
}

/// `1,3:5`
pub(super) fn numbers(set: &str) -> Vec<u32> {
    let ranges = set.split(',').filter(|range| !range.is_empty());
    let ends = |range: &str| -> (u32, u32) {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        (from.parse().unwrap(), to.parse().unwrap())
    };
    ranges
        .flat_map(|range| {
            let (from, to) = ends(range);
            from..=to
        })
        .collect()
}

/// What `numbers` reads.
pub(super) fn set(numbers: impl IntoIterator<Item = u32>) -> String {
    let numbers: BTreeSet<String> = numbers.into_iter().map(|number| number.to_string()).collect();
    numbers.into_iter().collect::<Vec<_>>().join(",")
}
