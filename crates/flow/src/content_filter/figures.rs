//! How often which filter said what.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::Flow;

/// How often a filter said something since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterFigure {
    /// Which filter.
    pub filter: String,
    /// What: `accept`, `add`, `hold`, `refuse`, `later`, `failed` or `timeout`.
    pub verdict: &'static str,
    /// How often.
    pub count: u64,
}

/// Counters for each filter and word.
#[derive(Debug, Default)]
pub(crate) struct FilterFigures(Mutex<BTreeMap<(String, &'static str), u64>>);

impl FilterFigures {
    pub(super) fn count(&self, filter: &str, verdict: &'static str) {
        *self.0.lock().entry((filter.to_owned(), verdict)).or_default() += 1;
    }
}

impl Flow {
    /// What content filters said since the start, by filter and verdict.
    pub fn filter_figures(&self) -> Vec<FilterFigure> {
        let figure = |((filter, verdict), count): (&(String, &'static str), &u64)| FilterFigure {
            filter: filter.clone(),
            verdict,
            count: *count,
        };
        self.filter_figures.0.lock().iter().map(figure).collect()
    }
}
