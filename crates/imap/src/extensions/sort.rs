//! SORT (RFC 5256), SORT=DISPLAY (RFC 5957) and ESORT (RFC 5267 §3): a SEARCH whose result is in order.

use posthouse_model::search::Query;
use posthouse_model::sort::{MAX_SORT_CRITERIA, SortCriterion, SortKey};
use posthouse_model::{ModSeq, Uid};

use crate::answer::Answer;
use crate::extensions::context::Found;
use crate::extensions::esearch::{ReturnOptions, return_options};
use crate::grammar::cursor::Cursor;
use crate::grammar::{CommandError, Parsed};
use crate::question::{Question, SearchNeed};
use crate::response::search::sort;
use crate::session::pending::Pending;
use crate::session::search::Asked;
use crate::session::verbs::Invocation;
use crate::session::{ImapSession, Tag};

/// A SORT that waits for its result.
#[derive(Debug)]
pub(crate) struct Sorting {
    asked: Asked,
    /// What was looked for, and in which order it is wanted, if the result is to be kept up to date.
    context: Option<(Query, Vec<SortCriterion>)>,
}

impl Sorting {
    pub(crate) fn tag(&self) -> &Tag {
        &self.asked.tag
    }
}

/// ```text
/// sort          = ["UID" SP] "SORT" SP sort-criteria SP search-criteria
/// extended-sort = ["UID" SP] "SORT" search-return-opts SP sort-criteria SP search-criteria
/// ```
pub(crate) fn run(session: &mut ImapSession, command: &mut Invocation<'_, '_>) -> Parsed<()> {
    let arguments = &mut *command.arguments;
    arguments.space()?;
    let options = return_options(arguments)?;
    let update = options.is_some_and(|options| options.update);
    if update {
        session.check_context_tag(command.tag)?;
    }
    let criteria = sort_criteria(arguments)?;
    arguments.space()?;
    let (query, modseq) = session.read_query(options, |parser| parser.criteria(arguments))?;
    session.check_search_limit(&query)?;
    let need = options.map_or(SearchNeed::All, ReturnOptions::need);
    let context = update.then(|| (query.clone(), criteria.clone()));
    let query = session.as_known(query, need, modseq);
    session.use_condstore(modseq);
    let asked = Asked { tag: command.tag.clone(), by_uid: command.by_uid, options };
    let sorting = Sorting { asked, context };
    session.ask(Question::Sort { query, criteria, need, modseq }, Pending::Sort(Box::new(sorting)));
    Ok(())
}

/// ```text
/// sort-criteria  = "(" sort-criterion *(SP sort-criterion) ")"
/// sort-criterion = ["REVERSE" SP] sort-key
/// ```
pub(crate) fn sort_criteria(cursor: &mut Cursor<'_>) -> Parsed<Vec<SortCriterion>> {
    cursor.open()?;
    let mut criteria = Vec::new();
    loop {
        if criteria.len() == MAX_SORT_CRITERIA {
            return Err(CommandError::TooMany("sort criteria"));
        }
        let mut name = cursor.atom()?;
        let reverse = name.eq_ignore_ascii_case("REVERSE");
        if reverse {
            cursor.space()?;
            name = cursor.atom()?;
        }
        let key = sort_key(name).ok_or(CommandError::Expected("a known sort key"))?;
        criteria.push(SortCriterion { key, reverse });
        if !cursor.take(b' ') {
            break;
        }
    }
    cursor.close()?;
    Ok(criteria)
}

/// ```text
/// sort-key = "ARRIVAL" / "CC" / "DATE" / "FROM" / "SIZE" / "SUBJECT" / "TO" / "DISPLAYFROM" / "DISPLAYTO"
/// ```
fn sort_key(name: &str) -> Option<SortKey> {
    let keys = [
        ("ARRIVAL", SortKey::Arrival),
        ("CC", SortKey::Cc),
        ("DATE", SortKey::Date),
        ("FROM", SortKey::From),
        ("SIZE", SortKey::Size),
        ("SUBJECT", SortKey::Subject),
        ("TO", SortKey::To),
        // RFC 5957 §3
        ("DISPLAYFROM", SortKey::DisplayFrom),
        ("DISPLAYTO", SortKey::DisplayTo),
    ];
    keys.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, key)| key)
}

impl ImapSession {
    pub(crate) fn sort_answered(&mut self, sorting: Sorting, answer: Answer) {
        let Sorting { asked, context } = sorting;
        let outcome = match answer {
            Answer::Sorted { uids, highest_modseq } => {
                let uids = self.tell_sorted(&asked, &uids, highest_modseq);
                Ok(context.map(|(query, criteria)| (query, Found::Sorted { criteria, uids })))
            }
            other => Err(other),
        };
        self.end_search(asked, "Sorted", outcome);
    }

    fn tell_sorted(&mut self, asked: &Asked, uids: &[Uid], modseq: Option<ModSeq>) -> Vec<Uid> {
        let Some(selected) = &self.selected else {
            return Vec::new();
        };
        // Messages that the client has no number for yet, or that are gone, are not for it.
        let numbered = uids.iter().filter(|uid| !selected.vanished.contains(**uid));
        let known: Vec<(Uid, u32)> = numbered.filter_map(|&uid| Some((uid, selected.view.sequence_of(uid)?))).collect();
        let number = |&(uid, sequence): &(Uid, u32)| if asked.by_uid { uid.value() } else { sequence };
        let (found, by_uid) = match asked.options {
            None => (Vec::new(), Vec::new()),
            Some(_) => (in_order(known.iter().map(number)), in_order(known.iter().map(|(uid, _)| uid.value()))),
        };
        self.tell_result(asked, &found, &by_uid, modseq, |out| sort(out, known.iter().map(number), modseq));
        known.into_iter().map(|(uid, _)| uid).collect()
    }
}

/// RFC 5267 §3.2: numbers that follow each other rising are one range; all else stays as it is.
pub(crate) fn in_order(numbers: impl Iterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(number) => last.1 = number,
            _ => ranges.push((number, number)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_rise() {
        assert_eq!(in_order([5, 6, 7, 3, 2, 1, 2].into_iter()), [(5, 7), (3, 3), (2, 2), (1, 2)]);
        assert_eq!(in_order([u32::MAX, 1].into_iter()), [(u32::MAX, u32::MAX), (1, 1)]);
        assert!(in_order(std::iter::empty()).is_empty());
    }

    #[test]
    fn criteria() {
        let read = |text: &str| sort_criteria(&mut Cursor::new(text.as_bytes()));
        let criteria = read("(reverse Date SUBJECT)").unwrap();
        assert_eq!(criteria[0], SortCriterion { key: SortKey::Date, reverse: true });
        assert_eq!(criteria[1], SortCriterion { key: SortKey::Subject, reverse: false });
        for bad in ["", "()", "DATE", "(DATE", "(REVERSE)", "(REVERSE REVERSE DATE)", "(COLOUR)", "( DATE)"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        let many = format!("({}DATE)", "DATE ".repeat(MAX_SORT_CRITERIA));
        assert_eq!(read(&many), Err(CommandError::TooMany("sort criteria")));
    }
}
