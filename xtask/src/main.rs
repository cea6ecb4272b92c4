//! The chores of this repository: `cargo xtask run` and `cargo xtask test` for people,
//! the rest for those who change it. Knows no crate of the workspace, so it builds first and alone.

mod bench;
mod check;
mod deps;
mod features;
mod links;
mod order;
mod run;
mod setup;
mod shell;
mod sizes;
mod sources;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask <command>

  run [--release] [ARGS…]   build `aisix` and start it; ARGS go to it (none: the embedded default)
  test [--without-sdks]     everything that CI runs, with the set-up that it needs
  check [PART…]             all parts, or some of: fmt clippy doc deps order features links sizes
  bench [OPTIONS…]          the gateway beside bare hyper and nginx; `bench --help` lists the options
  setup                     only the set-up of `test`: Python and npm packages, protoc
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let args: Vec<String> = args.collect();
    let done = match command.as_str() {
        "run" => run::run(&args),
        "test" => test::run(&args),
        "check" => check::run(&args),
        "bench" => bench::run(&args),
        "setup" => setup::install(),
        "" | "help" | "-h" | "--help" => {
            print!("{USAGE}");
            Ok(())
        }
        other => Err(format!("no command `{other}`\n\n{USAGE}").into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
