//! `cargo xtask run`: from a clone to a gateway that answers.

use std::os::unix::process::CommandExt;

use crate::shell::{Result, cargo};

/// Hands over to `cargo run`, which hands over to `aisix`: signals and the exit code are its own.
pub fn run(args: &[String]) -> Result {
    let (flags, args): (&[&str], _) = match args.split_first() {
        Some((first, rest)) if first == "--release" => (&["--release"], rest),
        _ => (&[], args),
    };
    let mut command = cargo(["run", "--package", "aisix-server", "--bin", "aisix"]);
    command.args(flags).arg("--").args(args);
    // The caller's folder, so that relative paths in ARGS and `./aisix.yaml` mean what they say.
    if let Ok(here) = std::env::current_dir() {
        command.current_dir(here);
    }
    Err(command.exec().into())
}
