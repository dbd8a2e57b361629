//! What was measured: every figure of every round, and what follows from it.

use crate::scenario::{Column, Target};

/// The two sides in the order in which they are printed.
pub const SIDES: [&str; 2] = ["Posthouse", "Postfix + Dovecot"];

/// One row of a table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The table.
    pub group: &'static str,
    /// The name of the row.
    pub name: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// What each side reached.
    pub sides: [Outcome; 2],
}

/// What one side reached in one row.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The figures of each round, one a column.
    pub rounds: Vec<Vec<f64>>,
    /// Why there are none, or not all.
    pub failure: Option<String>,
}

impl Outcome {
    /// The median of a column over the rounds.
    pub fn median(&self, column: usize) -> Option<f64> {
        let mut values: Vec<f64> = self.rounds.iter().filter_map(|round| round.get(column).copied()).collect();
        values.sort_by(f64::total_cmp);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get(values.len().checked_sub(1)? / 2)?;
        Some(f64::midpoint(lower, upper))
    }
}

impl Row {
    /// What Posthouse reached as a multiple of what the peer reached.
    pub fn ratio(&self, column: usize) -> Option<f64> {
        let [posthouse, peer] = &self.sides;
        let ratio = posthouse.median(column)? / peer.median(column)?;
        ratio.is_finite().then_some(ratio)
    }

    /// Whether the target of a column is met; `None` where there is no target or no figure.
    pub fn is_met(&self, column: usize) -> Option<bool> {
        match self.columns[column].target? {
            Target::TimesAtLeast(times) => Some(self.ratio(column)? >= times),
            Target::TimesAtMost(times) => Some(self.ratio(column)? <= times),
            Target::AtMost(most) => Some(self.sides[0].median(column)? <= most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(target: Target, posthouse: &[f64], peer: &[f64]) -> Row {
        let outcome =
            |values: &[f64]| Outcome { rounds: values.iter().map(|value| vec![*value]).collect(), failure: None };
        Row {
            group: "group",
            name: "row".into(),
            columns: vec![Column { name: "column", decimals: 0, target: Some(target) }],
            sides: [outcome(posthouse), outcome(peer)],
        }
    }

    #[test]
    fn medians_are_between_the_rounds() {
        let median = |values: &[f64]| row(Target::AtMost(0.0), values, &[]).sides[0].median(0);
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[1.0, 4.0]), Some(2.5));
        assert_eq!(median(&[9.0, 1.0, 4.0]), Some(4.0));
    }

    #[test]
    fn targets_compare_with_the_peer_or_with_a_figure() {
        let check = |target, posthouse: &[f64], peer: &[f64], expected| {
            assert_eq!(row(target, posthouse, peer).is_met(0), expected, "{target:?} {posthouse:?} {peer:?}");
        };
        check(Target::TimesAtLeast(10.0), &[1000.0], &[100.0], Some(true));
        check(Target::TimesAtLeast(10.0), &[999.0], &[100.0], Some(false));
        check(Target::TimesAtMost(0.1), &[0.5], &[5.0], Some(true));
        check(Target::TimesAtMost(0.1), &[0.6], &[5.0], Some(false));
        check(Target::AtMost(60.0), &[61.0], &[1.0], Some(false));
        check(Target::AtMost(60.0), &[59.0], &[], Some(true));
        check(Target::TimesAtLeast(1.0), &[59.0], &[], None);
    }
}
