//! What `/proc` says about a process and its children.

use std::{fs, time::Duration};

/// The CPU time of a process and its children so far, told twice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// `utime + stime`, exited threads included, in ticks of 10 ms.
    stat: Duration,
    /// The scheduler's own count, in nanoseconds, of the threads that are alive.
    sched: Duration,
}

/// Memory of a process and its children, in kB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory {
    /// Resident, with each page that processes share divided among them.
    pub pss: u64,
    /// Resident.
    pub rss: u64,
}

/// A process and its children, and theirs.
pub fn family(pid: u32) -> Vec<u32> {
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(&parent) = family.get(at) {
        for task in entries(&format!("/proc/{parent}/task")) {
            let children = read(&format!("/proc/{parent}/task/{task}/children"));
            family.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
        }
        at += 1;
    }
    family
}

impl Cpu {
    pub fn of(family: &[u32]) -> Self {
        let mut sum = Self::default();
        for pid in family {
            let stat = read(&format!("/proc/{pid}/stat"));
            // Fields are counted from the end of the name, which may hold anything.
            let fields = stat
                .rsplit(") ")
                .next()
                .unwrap_or_default()
                .split(' ')
                .skip(11)
                .take(2);
            let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
            // A tick is 1/100 s to user space on every Linux that we run on.
            sum.stat += Duration::from_millis(ticks * 10);
            for task in entries(&format!("/proc/{pid}/task")) {
                let schedstat = read(&format!("/proc/{pid}/task/{task}/schedstat"));
                let nanos = schedstat
                    .split(' ')
                    .next()
                    .and_then(|nanos| nanos.parse().ok());
                sum.sched += Duration::from_nanos(nanos.unwrap_or(0));
            }
        }
        sum
    }

    /// The finer count, unless a thread has gone and taken its share along.
    pub fn since(self, before: Self) -> Duration {
        let coarse = self.stat.saturating_sub(before.stat);
        let fine = self.sched.saturating_sub(before.sched);
        let tolerance = Duration::from_millis(30);
        if fine + tolerance < coarse {
            coarse
        } else {
            fine
        }
    }
}

impl Memory {
    pub fn of(family: &[u32]) -> Self {
        let mut sum = Self::default();
        for pid in family {
            let rollup = read(&format!("/proc/{pid}/smaps_rollup"));
            sum.pss += kilobytes(&rollup, "Pss:");
            sum.rss += kilobytes(&rollup, "Rss:");
        }
        sum
    }
}

fn kilobytes(text: &str, field: &str) -> u64 {
    let mut line = text.lines().filter_map(|line| line.strip_prefix(field));
    line.next()
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

/// Processes come and go while we look: one that is gone has nothing to say.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn entries(path: &str) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{process, time::Instant};

    use super::*;

    #[test]
    fn sees_time_and_memory_of_this_process() {
        let family = family(process::id());
        let before = Cpu::of(&family);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(50) {}
        assert!(Cpu::of(&family).since(before) > Duration::from_millis(5));
        assert!(Memory::of(&family).rss > 500);
    }
}
