use std::fmt::Write;

use aisix_core::config::Status;

use crate::listen::{Drain, Phase};

/// Whether the server is alive, and whether it wants requests.
#[derive(Clone, Debug)]
pub struct Health {
    config: Status,
    drain: Drain,
}

impl Health {
    /// The health of a server that is configured through `config` and ends with `drain`.
    pub fn new(config: Status, drain: Drain) -> Self {
        Self { config, drain }
    }

    /// Whether every check holds.
    pub fn is_ready(&self) -> bool {
        self.checks().iter().all(|(_, failure)| failure.is_none())
    }

    /// One line for each check: `[+]config ok`, or `[-]shutdown failed: …`.
    pub fn report(&self) -> String {
        let mut report = String::new();
        for (name, failure) in self.checks() {
            let written = match failure {
                None => writeln!(report, "[+]{name} ok"),
                Some(reason) => writeln!(report, "[-]{name} failed: {reason}"),
            };
            debug_assert!(written.is_ok(), "writing to memory does not fail");
        }
        report
    }

    fn checks(&self) -> [(&'static str, Option<&'static str>); 2] {
        let configured = self.config.applied_revision().is_some();
        let serving = self.drain.phase() == Phase::Serving;
        [
            (
                "config",
                (!configured).then_some("no configuration has been applied"),
            ),
            (
                "shutdown",
                (!serving).then_some("the server is shutting down"),
            ),
        ]
    }
}
