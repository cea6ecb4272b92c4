//! The binary `aisix`.

use std::process::ExitCode;

use aisix_server::cli::{self, Cli, Command};
use aisix_server::config::Env;
use aisix_server::serve::{export, serve};
use clap::Parser;

/// Requests allocate on one core and often free on another, where the system's allocator takes locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Env::of_process();
    match &cli.command {
        Some(Command::Validate { resources }) => {
            cli::report(&cli::validate(&cli, resources.as_deref(), &env))
        }
        Some(Command::Export) => cli::finish(export(&cli, &env)),
        None => match cli.config(&env) {
            Ok(config) => cli::finish(serve(&config, &env)),
            Err(error) => cli::fail(error),
        },
    }
}
