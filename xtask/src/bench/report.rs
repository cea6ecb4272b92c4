//! What came out: a table for people, JSON for whoever compares.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use super::{
    contestant::TRANSLATED,
    options::{Options, cores},
    proc::Memory,
    readiness::Readiness,
    scenario::{MEMORY, Scenario},
};
use crate::shell::{Result, read, root};

/// What every ratio is taken to.
const YARDSTICK: &str = "bare";

/// One contestant under one load.
pub struct Round {
    pub load: Value,
    pub cpu: Duration,
    pub memory: Memory,
}

pub struct Report<'a> {
    options: &'a Options,
    pub readiness: Option<Readiness>,
    pub idle: BTreeMap<&'static str, Memory>,
    pub memory: BTreeMap<&'static str, Round>,
    pub scenarios: Vec<(&'static Scenario, BTreeMap<&'static str, Vec<Round>>)>,
    pub writes: BTreeMap<(&'static str, &'static str), Option<f64>>,
}

impl Round {
    pub fn errors(&self) -> u64 {
        self.load["errors"].as_u64().unwrap_or_default()
    }

    fn number(&self, pointer: &str) -> f64 {
        self.load
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN)
    }

    fn cpu_us(&self, unit: &str) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.load[unit].as_f64().unwrap_or(f64::NAN)
    }

    fn per_sec(&self, unit: &str) -> f64 {
        self.number(&format!("/{unit}")) / self.number("/secs")
    }

    fn json(&self, unit: &str) -> Value {
        json!({
            "cpu_us": self.cpu_us(unit),
            "cpu_secs": self.cpu.as_secs_f64(),
            "pss_kb": self.memory.pss,
            "rss_kb": self.memory.rss,
            "load": self.load,
        })
    }
}

impl<'a> Report<'a> {
    pub fn new(options: &'a Options) -> Self {
        Self {
            options,
            readiness: None,
            idle: BTreeMap::new(),
            memory: BTreeMap::new(),
            scenarios: Vec::new(),
            writes: BTreeMap::new(),
        }
    }

    pub fn print(&self) {
        println!("\n== results: medians of {} rounds", self.options.rounds);
        if let Some(readiness) = &self.readiness {
            println!(
                "start to ready   {:.0} ms (first start {:.0} ms); idle {:.1} MB resident",
                readiness.later(),
                readiness.first_ms,
                mb(readiness.idle.rss),
            );
        }
        for (name, memory) in &self.idle {
            println!(
                "idle   {name:<10} {:>6.1} MB resident, {:.1} MB of its own",
                mb(memory.rss),
                mb(memory.pss)
            );
        }
        for (name, round) in &self.memory {
            println!(
                "{}   {name:<10} {:>6.1} MB, {:.1} kB for each",
                MEMORY.name,
                mb(round.memory.pss),
                self.per_stream(name, round),
            );
        }
        for (scenario, rounds) in &self.scenarios {
            self.print_scenario(scenario, rounds);
        }
    }

    fn print_scenario(&self, scenario: &Scenario, rounds: &BTreeMap<&'static str, Vec<Round>>) {
        let unit = scenario.unit;
        let goal = scenario
            .goal
            .map(|goal| format!(" (goal {goal} × bare)"))
            .unwrap_or_default();
        println!("\n{}{goal}", scenario.name);
        println!(
            "  {:<10} {:>11} {:>8} {:>15} {:>9} {:>9} {:>10} {:>8} {:>7} {:>6}",
            "",
            format!("CPU µs/{}", &unit[..unit.len() - 1]),
            "× bare",
            "(of rounds)",
            format!("{unit}/s"),
            "p50 ms",
            "first p50",
            "p99 ms",
            "MB",
            "errors",
        );
        for (name, all) in rounds {
            let middle = |value: &dyn Fn(&Round) -> f64| median(all.iter().map(value));
            let ratios = ratios(rounds, name, YARDSTICK, unit);
            let low = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let high = ratios.iter().copied().fold(0.0, f64::max);
            let first_event = middle(&|round| round.number("/first_event_us/p50") / 1e3);
            let writes = match self.writes.get(&(scenario.name, *name)) {
                Some(Some(writes)) => format!("  {writes:.2} writes/{}", &unit[..unit.len() - 1]),
                _ => String::new(),
            };
            println!(
                "  {name:<10} {:>11.2} {:>8.2} {:>15} {:>9.0} {:>9.2} {:>10} {:>8.2} {:>7.1} {:>6}{writes}",
                middle(&|round| round.cpu_us(unit)),
                median(ratios),
                format!("{low:.2}–{high:.2}"),
                middle(&|round| round.per_sec(unit)),
                middle(&|round| round.number("/latency_us/p50") / 1e3),
                if first_event.is_nan() {
                    "–".into()
                } else {
                    format!("{first_event:.2}")
                },
                middle(&|round| round.number("/latency_us/p99") / 1e3),
                middle(&|round| mb(round.memory.pss)),
                all.iter().map(Round::errors).sum::<u64>(),
            );
        }
        let translation = median(ratios(rounds, TRANSLATED, "aisix", unit));
        if translation.is_finite() {
            let goal = if unit == "chunks" { 1.6 } else { 1.5 };
            println!("  translation costs {translation:.2} × passing through (goal {goal})");
        }
    }

    /// Writes all of it, every round too, to a file named after the time.
    pub fn write(&self, dir: &Path) -> Result {
        let now = read(Command::new("date").args(["-u", "+%Y-%m-%dT%H%M%SZ"]))?;
        let path = dir.join(format!("{}.json", now.trim()));
        fs::write(&path, serde_json::to_string_pretty(&self.json(now.trim()))?)?;
        println!("\n   {}", path.display());
        Ok(())
    }

    fn json(&self, time: &str) -> Value {
        let scenarios: Vec<_> = self
            .scenarios
            .iter()
            .map(|(one, all)| self.scenario(one, all))
            .collect();
        let memory: BTreeMap<_, _> = self
            .memory
            .iter()
            .map(|(name, round)| {
                let kb = self.per_stream(name, round);
                (
                    name,
                    json!({ "kb_per_stream": kb, "round": round.json(MEMORY.unit) }),
                )
            })
            .collect();
        json!({
            "time": time,
            "commit": said(Command::new("git").current_dir(root()).args(["rev-parse", "HEAD"])),
            "machine": {
                "kernel": said(Command::new("uname").arg("-sr")),
                "cpu": cpu_model(),
                "cores": cores(),
            },
            "threads": self.options.threads,
            "bare_runtime": self.options.runtime,
            "start_to_ready": self.readiness.as_ref().map(|readiness| json!({
                "first_ms": readiness.first_ms,
                "later_ms": readiness.later_ms,
                "idle_rss_kb": readiness.idle.rss,
            })),
            "idle": self.idle.iter().map(|(name, memory)| {
                (*name, json!({ "rss_kb": memory.rss, "pss_kb": memory.pss }))
            }).collect::<BTreeMap<_, _>>(),
            "open_streams": memory,
            "scenarios": scenarios,
        })
    }

    fn scenario(&self, scenario: &Scenario, rounds: &BTreeMap<&'static str, Vec<Round>>) -> Value {
        let contestants: BTreeMap<_, _> = rounds
            .iter()
            .map(|(name, all)| {
                let ratios = ratios(rounds, name, YARDSTICK, scenario.unit);
                let value = json!({
                    "cpu_us": median(all.iter().map(|round| round.cpu_us(scenario.unit))),
                    "cpu_to_bare": median(ratios.iter().copied()),
                    "cpu_to_bare_rounds": ratios,
                    "cpu_to_aisix_rounds": self::ratios(rounds, name, "aisix", scenario.unit),
                    "writes": self.writes.get(&(scenario.name, *name)),
                    "rounds": all.iter().map(|round| round.json(scenario.unit)).collect::<Vec<_>>(),
                });
                (name, value)
            })
            .collect();
        json!({
            "name": scenario.name,
            "unit": scenario.unit,
            "goal": scenario.goal,
            "load": scenario.args(),
            "contestants": contestants,
        })
    }

    fn per_stream(&self, name: &str, round: &Round) -> f64 {
        let idle = self.idle.get(name).map_or(0, |memory| memory.pss);
        round.memory.pss.saturating_sub(idle) as f64 / MEMORY.streams()
    }
}

/// A contestant's cost beside another one's, within each round.
fn ratios(
    rounds: &BTreeMap<&'static str, Vec<Round>>,
    name: &str,
    beside: &str,
    unit: &str,
) -> Vec<f64> {
    let of = |name: &str| rounds.get(name).map(Vec::as_slice).unwrap_or_default();
    let pairs = of(name).iter().zip(of(beside));
    pairs
        .map(|(one, other)| one.cpu_us(unit) / other.cpu_us(unit))
        .collect()
}

pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values
        .into_iter()
        .filter(|value| value.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

fn mb(kilobytes: u64) -> f64 {
    kilobytes as f64 / 1024.0
}

fn said(command: &mut Command) -> String {
    read(command)
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut line = text.lines().filter(|line| line.starts_with("model name"));
    let value = line.next().and_then(|line| line.split_once(": "));
    value.map(|(_, model)| model.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }
}
