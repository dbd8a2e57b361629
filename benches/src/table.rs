//! Results as text: tables in Markdown for people, lines with tabs for programs.

use crate::results::{Outcome, Row, SIDES};
use crate::scenario::{Column, Target};

/// The tables, one a group, then the targets.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::new();
    for group in rows.chunk_by(|one, next| one.group == next.group) {
        group_table(&mut text, group);
    }
    targets(&mut text, rows);
    failures(&mut text, rows);
    text
}

fn group_table(text: &mut String, rows: &[Row]) {
    let Some(first) = rows.first() else { return };
    text.push_str("\n### ");
    text.push_str(first.group);
    text.push_str("\n\n| |");
    for column in &first.columns {
        text.push_str(&format!(" {} |", column.name));
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(first.columns.len()));
    text.push('\n');
    for row in rows {
        text.push_str(&format!("| {} |", row.name));
        for (index, column) in row.columns.iter().enumerate() {
            text.push_str(&format!(" {} |", cell(row, index, column)));
        }
        text.push('\n');
    }
}

/// `Posthouse / peer (ratio)`.
fn cell(row: &Row, index: usize, column: &Column) -> String {
    let [posthouse, peer] = row.sides.each_ref().map(|side| figure(side, index, column.decimals));
    match row.ratio(index) {
        Some(ratio) => format!("{posthouse} / {peer} ({})", times(ratio)),
        None => format!("{posthouse} / {peer}"),
    }
}

fn figure(side: &Outcome, index: usize, decimals: usize) -> String {
    match side.median(index) {
        Some(value) => format!("{value:.decimals$}"),
        None if side.failure.is_some() => "failed".to_owned(),
        None => "–".to_owned(),
    }
}

/// A ratio with two significant digits, or more before the point.
fn times(ratio: f64) -> String {
    let decimals = match ratio.abs() {
        ratio if ratio >= 10.0 => 0,
        ratio if ratio >= 1.0 => 1,
        ratio if ratio >= 0.1 => 2,
        _ => 3,
    };
    format!("{ratio:.decimals$}×")
}

fn targets(text: &mut String, rows: &[Row]) {
    text.push_str("\n### Targets\n\n| | target | measured | |\n|---|---|---|---|\n");
    for row in rows {
        for (index, column) in row.columns.iter().enumerate() {
            let (Some(target), Some(is_met)) = (column.target, row.is_met(index)) else { continue };
            let (wanted, measured) = match target {
                Target::TimesAtLeast(least) => (format!("≥ {least}×"), row.ratio(index).map(times)),
                Target::TimesAtMost(most) => (format!("≤ {most}×"), row.ratio(index).map(times)),
                Target::AtMost(most) => {
                    let measured = row.sides[0].median(index);
                    (format!("≤ {most}"), measured.map(|value| format!("{value:.*}", column.decimals)))
                }
            };
            let verdict = if is_met { "met" } else { "**missed**" };
            text.push_str(&format!(
                "| {}: {}, {} | {wanted} | {} | {verdict} |\n",
                row.group,
                row.name,
                column.name,
                measured.unwrap_or_default()
            ));
        }
    }
}

fn failures(text: &mut String, rows: &[Row]) {
    for row in rows {
        for (side, name) in row.sides.iter().zip(SIDES) {
            if let Some(failure) = &side.failure {
                text.push_str(&format!("\n{}, {}, {name}: {failure}\n", row.group, row.name));
            }
        }
    }
}

/// One line for each figure of each round.
pub fn tab_separated(rows: &[Row]) -> String {
    let mut text = String::from("group\trow\tcolumn\tserver\tround\tvalue\n");
    for row in rows {
        for (side, name) in row.sides.iter().zip(SIDES) {
            for (round, figures) in side.rounds.iter().enumerate() {
                for (column, value) in row.columns.iter().zip(figures) {
                    let line =
                        format!("{}\t{}\t{}\t{name}\t{}\t{value:.4}\n", row.group, row.name, column.name, round + 1);
                    text.push_str(&line);
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let columns = vec![
            Column { name: "in mailbox/s", decimals: 0, target: Some(Target::TimesAtLeast(10.0)) },
            Column { name: "CPU ms", decimals: 2, target: Some(Target::TimesAtMost(0.1)) },
        ];
        let side = |figures: &[f64]| Outcome { rounds: vec![figures.to_vec()], failure: None };
        Row { group: "SMTP", name: "4 KB".into(), columns, sides: [side(&[3100.0, 0.31]), side(&[310.0, 2.0])] }
    }

    #[test]
    fn a_cell_holds_both_and_their_ratio() {
        let text = markdown(&[row()]);
        assert!(text.contains("| 4 KB | 3100 / 310 (10×) | 0.31 / 2.00 (0.15×) |"), "{text}");
        assert!(text.contains("| SMTP: 4 KB, in mailbox/s | ≥ 10× | 10× | met |"), "{text}");
        assert!(text.contains("| SMTP: 4 KB, CPU ms | ≤ 0.1× | 0.15× | **missed** |"), "{text}");
    }

    #[test]
    fn a_failure_is_told() {
        let mut row = row();
        row.sides[1] = Outcome { rounds: Vec::new(), failure: Some("it broke".into()) };
        let text = markdown(&[row]);
        assert!(text.contains("| 3100 / failed |"), "{text}");
        assert!(text.contains("SMTP, 4 KB, Postfix + Dovecot: it broke"), "{text}");
    }

    #[test]
    fn every_figure_has_a_line() {
        assert_eq!(tab_separated(&[row()]).lines().count(), 5);
    }
}
