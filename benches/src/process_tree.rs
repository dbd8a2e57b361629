//! What a server's processes cost: CPU time and memory, read from `/proc`.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of the times in `/proc/PID/stat`: `USER_HZ`, which is 100 on every architecture that Debian knows.
const TICKS_PER_SECOND: u64 = 100;

/// Some processes and all that descend from them.
#[derive(Clone, Debug, Default)]
pub struct ProcessTree {
    roots: Vec<u32>,
}

/// The fields of `/proc/PID/stat` that matter here; see proc_pid_stat(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// User and system time, of the process and of those of its children that ended and were waited for.
    ticks: u64,
}

impl ProcessTree {
    /// The tree below these processes.
    pub fn of(roots: Vec<u32>) -> Self {
        Self { roots }
    }

    /// CPU time that the tree has used so far, in user and kernel. It counts processes that ended, once their parent
    /// has noticed.
    pub fn cpu_time(&self) -> Result<Duration> {
        Ok(duration(self.members()?.iter().map(|(_, stat)| stat.ticks).sum()))
    }

    /// CPU time of the processes that were named alone, without those that descend from them and still run.
    pub fn cpu_time_of_roots(&self) -> Duration {
        duration(self.roots.iter().filter_map(|id| stat_of(*id)).map(|stat| stat.ticks).sum())
    }

    /// Memory that is resident for the tree, in octets; pages that several processes share are divided among them.
    pub fn resident_octets(&self) -> Result<u64> {
        let members = self.members()?;
        Ok(members.iter().filter_map(|(id, _)| proportional_set(*id)).sum())
    }

    /// The ids of its processes.
    pub fn ids(&self) -> Result<Vec<u32>> {
        Ok(self.members()?.into_iter().map(|(id, _)| id).collect())
    }

    fn members(&self) -> Result<Vec<(u32, Stat)>> {
        let all = every_process()?;
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for (id, stat) in &all {
            children.entry(stat.parent).or_default().push(*id);
        }
        let mut waiting = self.roots.clone();
        let mut members = Vec::new();
        while let Some(id) = waiting.pop() {
            if let Some(stat) = all.get(&id) {
                members.push((id, *stat));
            }
            waiting.extend(children.get(&id).into_iter().flatten());
        }
        Ok(members)
    }
}

fn every_process() -> Result<HashMap<u32, Stat>> {
    let mut all = HashMap::new();
    for entry in std::fs::read_dir("/proc").context("/proc is needed")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        // A process may end between the listing and the reading.
        if let Some(stat) = stat_of(id) {
            all.insert(id, stat);
        }
    }
    Ok(all)
}

fn stat_of(id: u32) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

fn duration(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

fn parse(text: &str) -> Option<Stat> {
    // The name of the program stands in parentheses and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = (11..15).map(|at| fields.get(at)?.parse::<u64>().ok()).sum::<Option<u64>>()?;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn proportional_set(id: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_may_hold_spaces_and_parentheses() {
        let text = "7 (a) b) c) S 3 7 7 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5";
        assert_eq!(parse(text), Some(Stat { parent: 3, ticks: 100 }));
        assert_eq!(parse("7 (short) S 3"), None);
    }

    #[test]
    fn this_process_is_a_tree() {
        let tree = ProcessTree::of(vec![std::process::id()]);
        assert!(tree.ids().unwrap().contains(&std::process::id()));
        assert!(tree.resident_octets().unwrap() > 0);
    }
}
