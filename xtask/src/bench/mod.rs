//! `cargo xtask bench`: the gateway beside a reverse proxy on bare hyper and beside nginx.
//!
//! All contestants run at once, each in front of the same canned upstream, and take turns under
//! the same load, round after round: what the machine does meanwhile hits all of them alike.
//! What counts is the CPU time that a contestant's processes used, from `/proc`, divided by the
//! requests (or chunks) that the load saw answered; ratios are taken within a round.

mod contestant;
mod options;
mod proc;
mod readiness;
mod report;
mod scenario;
mod server;
mod writes;

use std::{collections::BTreeMap, fs, thread, time::Duration};

use self::{
    contestant::{Contestant, Field},
    options::Options,
    report::{Report, Round},
    scenario::{MEMORY, SCENARIOS, Scenario},
};
use crate::shell::{Result, cargo, step, target_dir, words};

pub fn run(args: &[String]) -> Result {
    let Some(options) = Options::parse(args)? else {
        return Ok(());
    };
    if !options.no_build {
        let aisix = if options.wants_built_aisix() {
            " --package aisix-server"
        } else {
            ""
        };
        let line = format!("build --release --bins --package aisix-bench{aisix}");
        step("release build", &mut cargo(words(&line)))?;
    }
    let work = target_dir().join("bench/work");
    drop(fs::remove_dir_all(&work));
    fs::create_dir_all(&work)?;

    let mut report = Report::new(&options);
    if let Some(aisix) = options.aisix() {
        report.readiness = Some(readiness::measure(&aisix, &work.join("embedded"))?);
    }
    let field = Field::start(&options, &work)?;
    thread::sleep(Duration::from_secs(1));
    for contestant in &field.contestants {
        report.idle.insert(contestant.name, contestant.memory());
    }
    if options.full {
        for contestant in &field.contestants {
            println!("   {}: {}", MEMORY.name, contestant.name);
            let round = turn(contestant, &field, &MEMORY)?;
            report.memory.insert(contestant.name, round);
        }
    }
    for scenario in SCENARIOS.iter().filter(|one| options.runs(one)) {
        println!("   {}", scenario.name);
        let rounds = rounds(&field, scenario, options.rounds)?;
        if options.writes {
            for contestant in &field.contestants {
                let writes = writes::per_request(contestant, &field, scenario)?;
                report
                    .writes
                    .insert((scenario.name, contestant.name), writes);
            }
        }
        report.scenarios.push((scenario, rounds));
    }
    report.print();
    report.write(&target_dir().join("bench"))
}

/// All rounds of one scenario. Each begins with another contestant; the first, a short one that
/// fills pools and caches, is not counted.
fn rounds(
    field: &Field,
    scenario: &Scenario,
    rounds: usize,
) -> Result<BTreeMap<&'static str, Vec<Round>>> {
    let mut taken: BTreeMap<_, Vec<Round>> = BTreeMap::new();
    for contestant in &field.contestants {
        turn(contestant, field, &scenario.warm_up())?;
    }
    for round in 0..rounds {
        for at in 0..field.contestants.len() {
            let contestant = &field.contestants[(round + at) % field.contestants.len()];
            let round = turn(contestant, field, scenario)?;
            taken.entry(contestant.name).or_default().push(round);
        }
    }
    Ok(taken)
}

/// One contestant under one load.
fn turn(contestant: &Contestant, field: &Field, scenario: &Scenario) -> Result<Round> {
    let before = contestant.cpu();
    let watch = contestant.watch_memory();
    let load = field.load(contestant, scenario)?;
    let memory = watch.peak();
    let cpu = contestant.cpu().since(before);
    let round = Round { load, cpu, memory };
    if round.errors() > 0 {
        let (errors, first) = (round.errors(), &round.load["first_error"]);
        println!(
            "   ! {} in {}: {errors} errors, first {first}",
            contestant.name, scenario.name
        );
    }
    Ok(round)
}
