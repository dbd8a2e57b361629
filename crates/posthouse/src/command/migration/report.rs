//! What is told of mail that moves: how far it is, and what came of it.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::bail;
use posthouse_migration::{Mode, Problem, Progress, Summary, Watch};
use serde_json::{Value, json};

use crate::cli::Output;
use crate::output::{printable, say, say_json};

/// How often the line on a terminal is written anew.
const LINE_INTERVAL: Duration = Duration::from_millis(100);
/// Characters of the bar.
const BAR_CHARACTERS: u64 = 24;

/// Which way mail moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// In.
    Import,
    /// Out.
    Export,
}

/// Shows how far it is: on a terminal a bar, elsewhere a line for each folder.
pub struct Watcher {
    is_terminal: bool,
    is_silent: bool,
    written_at: Option<Instant>,
    last: Progress,
}

impl Watcher {
    /// Shows nothing where JSON is printed and no terminal is there.
    pub fn new(output: Output) -> Self {
        let is_terminal = io::stderr().is_terminal();
        Self { is_terminal, is_silent: output.json && !is_terminal, written_at: None, last: Progress::default() }
    }

    /// Takes the bar away, or tells of the last folder.
    pub fn end(&mut self) {
        if self.is_terminal && self.written_at.is_some() {
            // Where nobody looks, nothing is lost.
            let _ = write!(io::stderr(), "\r\x1b[K");
        } else {
            self.say_folder();
        }
    }

    fn say_folder(&self) {
        if !self.is_silent && !self.is_terminal && !self.last.folder.is_empty() {
            let Progress { folder, messages_done, messages, .. } = &self.last;
            say(format!("{}: {messages_done} of {messages} messages", printable(folder)));
        }
    }
}

impl Watch for Watcher {
    fn at(&mut self, progress: &Progress) {
        if progress.folder != self.last.folder {
            self.say_folder();
        }
        self.last = progress.clone();
        let is_due = self.written_at.is_none_or(|at| at.elapsed() >= LINE_INTERVAL);
        if self.is_terminal && is_due {
            self.written_at = Some(Instant::now());
            let _ = write!(io::stderr(), "\r\x1b[K{}", line(progress));
        }
    }
}

fn line(progress: &Progress) -> String {
    let Progress { folder, folders_done, folders, messages_done, messages, moved, moved_bytes } = progress;
    let filled = (messages_done * BAR_CHARACTERS).checked_div(*messages).unwrap_or(BAR_CHARACTERS);
    let bar: String = (0..BAR_CHARACTERS).map(|at| if at < filled { '#' } else { '.' }).collect();
    let name: String = printable(folder).chars().take(30).collect();
    format!(
        "[{bar}] {messages_done}/{messages} in {name} ({}/{folders}), {moved} moved, {} MB",
        folders_done + 1,
        moved_bytes / 1_000_000
    )
}

/// Prints what came of it.
///
/// # Errors
/// When something was not moved, in words that say so.
pub fn report(summary: &Summary, direction: Direction, mode: Mode, output: Output) -> anyhow::Result<()> {
    if output.json {
        say_json(&as_json(summary, mode))?;
    } else {
        say_summary(summary, direction, mode);
    }
    let verb = if direction == Direction::Import { "imported" } else { "exported" };
    if let Some(why) = &summary.stopped {
        bail!("not everything is {verb}: {}; run the same command again to go on", printable(why));
    }
    match (summary.failed, summary.failed_folders) {
        (0, 0) => Ok(()),
        (messages, 0) => bail!("{messages} messages were not {verb}"),
        (0, folders) => bail!("{folders} folders were not {verb}"),
        (messages, folders) => bail!("{messages} messages and {folders} folders were not {verb}"),
    }
}

fn say_summary(summary: &Summary, direction: Direction, mode: Mode) {
    let Summary { folders, messages, moved, moved_bytes, known, gone, .. } = summary;
    for (word, problems) in [("note", &summary.notes), ("not moved", &summary.problems)] {
        for Problem { place, why } in problems {
            say(format!("{word}  {}: {}", printable(place), printable(why)));
        }
    }
    let told = summary.problems.len() as u64;
    if summary.failed + summary.failed_folders > told {
        say(format!("... and {} more", summary.failed + summary.failed_folders - told));
    }
    let verb = match (direction, mode) {
        (_, Mode::DryRun) => "would be moved",
        (Direction::Import, Mode::Move) => "were imported",
        (Direction::Export, Mode::Move) => "were exported",
    };
    say(format!(
        "{folders} folders with {messages} messages: {moved} ({moved_bytes} octets) {verb}, {known} were there already."
    ));
    if *gone > 0 {
        say(format!("{gone} messages went while this was under way."));
    }
}

fn as_json(summary: &Summary, mode: Mode) -> Value {
    let problems = |problems: &[Problem]| -> Vec<Value> {
        problems.iter().map(|problem| json!({ "place": problem.place, "why": problem.why })).collect()
    };
    json!({
        "dry_run": mode == Mode::DryRun,
        "folders": summary.folders,
        "messages": summary.messages,
        "moved": summary.moved,
        "moved_bytes": summary.moved_bytes,
        "known": summary.known,
        "gone": summary.gone,
        "failed": summary.failed,
        "failed_folders": summary.failed_folders,
        "problems": problems(&summary.problems),
        "notes": problems(&summary.notes),
        "stopped": summary.stopped,
        "complete": summary.is_complete(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills() {
        let progress =
            Progress { folder: "a\x1bb".into(), folders: 3, messages: 4, messages_done: 2, ..Progress::default() };
        let shown = line(&progress);
        assert!(shown.starts_with("[############............] 2/4 in a\u{fffd}b (1/3)"), "{shown}");
        assert!(line(&Progress::default()).starts_with("[########################]"));
    }
}
