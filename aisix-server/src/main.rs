//! The binary `aisix`.

use std::process::ExitCode;

use aisix_server::cli;
use aisix_server::cli::Cli;
use aisix_server::cli::Command;
use aisix_server::config::Env;
use clap::Parser;

/// Requests allocate on one core and often free on another, where the system's allocator takes locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Env::of_process();
    if let Some(Command::Validate { resources }) = &cli.command {
        let found = cli::validate(&cli, resources.as_deref(), &env, |_| Vec::new());
        return cli::report(&found);
    }
    match cli.config(&env) {
        Ok(_) => cli::fail("is not assembled yet"),
        Err(error) => cli::fail(error),
    }
}
