//! What can be asked of `cargo xtask bench`.

use std::{path::PathBuf, thread};

use super::scenario::{SCENARIOS, Scenario};
use crate::shell::{Result, target_dir};

const USAGE: &str = "\
cargo xtask bench [OPTIONS]

  --aisix PATH     the gateway to measure, instead of the one that is built here
  --without NAME   leave a contestant out: aisix, translated, nginx (may be repeated)
  --only NAME      run this scenario only: unary, unary-100k, burst, paced (may be repeated)
  --rounds N       rounds for each scenario (5)
  --threads N      cores of each contestant, and its threads (all)
  --runtime R      of bare: per-core (as aisix does), multi
  --full           the memory of 2,000 open streams, too
  --writes         count write system calls, too (needs strace)
  --no-build       take the release binaries that are there
";

pub struct Options {
    aisix: Option<PathBuf>,
    without: Vec<String>,
    only: Vec<String>,
    pub rounds: usize,
    pub threads: usize,
    pub runtime: String,
    pub full: bool,
    pub writes: bool,
    pub no_build: bool,
}

impl Options {
    /// `None` when help was asked for, and given.
    pub fn parse(args: &[String]) -> Result<Option<Self>> {
        let mut options = Self {
            aisix: None,
            without: Vec::new(),
            only: Vec::new(),
            rounds: 5,
            threads: cores(),
            runtime: "per-core".into(),
            full: false,
            writes: false,
            no_build: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || {
                args.next()
                    .cloned()
                    .ok_or_else(|| format!("{arg} needs a value\n\n{USAGE}"))
            };
            match arg.as_str() {
                "--aisix" => options.aisix = Some(std::path::absolute(value()?)?),
                "--without" => options.without.push(value()?),
                "--only" => options.only.push(value()?),
                "--rounds" => options.rounds = value()?.parse::<usize>()?.max(1),
                "--threads" => options.threads = value()?.parse()?,
                "--runtime" => options.runtime = value()?,
                "--full" => options.full = true,
                "--writes" => options.writes = true,
                "--no-build" => options.no_build = true,
                "--help" | "-h" => {
                    print!("{USAGE}");
                    return Ok(None);
                }
                _ => return Err(format!("no option `{arg}`\n\n{USAGE}").into()),
            }
        }
        let known = |name: &String| SCENARIOS.iter().any(|one| one.short == name);
        if let Some(unknown) = options.only.iter().find(|name| !known(name)) {
            return Err(format!("no scenario `{unknown}`\n\n{USAGE}").into());
        }
        Ok(Some(options))
    }

    pub fn wants(&self, contestant: &str) -> bool {
        !self.without.iter().any(|name| name == contestant)
    }

    pub fn runs(&self, scenario: &Scenario) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == scenario.short)
    }

    pub fn wants_built_aisix(&self) -> bool {
        self.aisix.is_none() && self.wants("aisix")
    }

    /// The gateway's binary, unless it is left out.
    pub fn aisix(&self) -> Option<PathBuf> {
        let built = || target_dir().join("release/aisix");
        self.wants("aisix")
            .then(|| self.aisix.clone().unwrap_or_else(built))
    }
}

pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
