//! The command line of `aisix`.

use std::fmt;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use aisix_core::config::read_resources;
use clap::Parser;
use clap::Subcommand;

use crate::config::Config;
use crate::config::ConfigError;
use crate::config::Env;
use crate::config::Problem;
use crate::config::Source;
use crate::listen;

/// The file that is read when it is there and none is named.
const DEFAULT_FILE: &str = "aisix.yaml";

/// An AI gateway: one API in front of many models and providers.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "aisix", version)]
pub struct Cli {
    /// The configuration file; by default ./aisix.yaml, and without one a built-in configuration.
    #[arg(long, short, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// What to do; serves when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What else `aisix` does than to serve.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Checks the configuration without starting anything, and prints every problem.
    Validate {
        /// A resources file to check too.
        #[arg(long, value_name = "FILE")]
        resources: Option<PathBuf>,
    },
    /// Writes everything that the store holds as a resources file.
    Export,
}

impl Cli {
    /// Reads the configuration that was asked for.
    ///
    /// # Errors
    ///
    /// Returns an error when the file cannot be read or has problems.
    pub fn config(&self, env: &Env) -> Result<Config, ConfigError> {
        match self.file() {
            Some(file) => Config::read(file, env),
            None => Config::embedded(env),
        }
    }

    /// The configuration file, unless the built-in configuration is meant.
    pub fn file(&self) -> Option<&Path> {
        let default = Path::new(DEFAULT_FILE);
        self.config
            .as_deref()
            .or_else(|| default.exists().then_some(default))
    }
}

/// Everything that `aisix validate` finds wrong, with the file that each line is about.
pub fn validate(cli: &Cli, resources: Option<&Path>, env: &Env) -> Vec<String> {
    let mut found = Vec::new();
    let mut files: Vec<PathBuf> = resources.map(Into::into).into_iter().collect();
    if cli.file().is_some() || resources.is_none() {
        match cli.config(env) {
            Ok(config) => {
                found.extend(certificate_problem(&config));
                if let (Source::File(path), None) = (&config.source, resources) {
                    files.push(path.clone());
                }
            }
            Err(error) => {
                let problems = error.problems().iter();
                found.extend(problems.map(|problem| in_file(error.file(), problem)));
            }
        }
    }
    for path in files {
        let problems = check_resources(&path, env);
        found.extend(problems.iter().map(|problem| in_file(Some(&path), problem)));
    }
    found
}

fn check_resources(path: &Path, env: &Env) -> Vec<Problem> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return vec![Problem::whole(format!("cannot be read: {error}"))],
    };
    match read_resources(&text, &env.environment()) {
        Ok(_) => Vec::new(),
        Err(problems) => {
            let problems = problems.iter();
            problems
                .map(|problem| Problem::at(&*problem.pointer, &*problem.reason))
                .collect()
        }
    }
}

/// Prints what [`validate`] found: problems on the standard error, and exit code 1 if there are any.
pub fn report(found: &[String]) -> ExitCode {
    if found.is_empty() {
        print(io::stdout(), "ok");
        return ExitCode::SUCCESS;
    }
    for problem in found {
        print(io::stderr(), problem);
    }
    ExitCode::FAILURE
}

/// The exit code of what has ended, with a line on the standard error if it failed.
pub fn finish<E: fmt::Display>(result: Result<(), E>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error),
    }
}

/// Prints why the process cannot go on, as one line on the standard error.
pub fn fail(error: impl fmt::Display) -> ExitCode {
    let line = error.to_string();
    let line: Vec<&str> = line.lines().map(str::trim).collect();
    print(io::stderr(), format_args!("aisix: {}", line.join(" ")));
    ExitCode::FAILURE
}

/// Nobody who closed the pipe wants to read that it is closed.
fn print(mut out: impl Write, line: impl fmt::Display) {
    let _ = writeln!(out, "{line}");
}

fn in_file(file: Option<&Path>, problem: &Problem) -> String {
    match file {
        Some(file) => format!("{}: {problem}", file.display()),
        None => problem.to_string(),
    }
}

fn certificate_problem(config: &Config) -> Option<String> {
    let tls = config.proxy.tls.as_ref()?;
    let error = listen::server_config(&tls.cert_file, &tls.key_file).err()?;
    Some(format!("proxy.tls: {error}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_commands_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serves_when_nothing_is_said() {
        assert_eq!(
            parse(&[]),
            Cli {
                config: None,
                command: None
            }
        );
        let cli = parse(&["--config", "a.yaml"]);
        assert_eq!(cli.config.as_deref(), Some(Path::new("a.yaml")));
        assert_eq!(cli.command, None);
    }

    #[test]
    fn the_file_may_stand_before_or_after_the_command() {
        for arguments in [["--config", "a", "export"], ["export", "--config", "a"]] {
            let cli = parse(&arguments);
            assert_eq!(cli.config.as_deref(), Some(Path::new("a")));
            assert_eq!(cli.command, Some(Command::Export));
        }
        let cli = parse(&["validate", "--config", "a", "--resources", "b"]);
        let resources = Some(PathBuf::from("b"));
        assert_eq!(cli.command, Some(Command::Validate { resources }));
    }

    #[test]
    fn validate_lists_every_problem_with_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("aisix.yaml");
        std::fs::write(&file, "store: {}\nproxi: 1\nupstream: {retries: x}").unwrap();
        let cli = Cli {
            config: Some(file),
            command: None,
        };
        let resources = directory.path().join("resources.yaml");
        let text = "_format_version: '1'\nmodels: [{provider: mock, model_name: m}]";
        std::fs::write(&resources, text).unwrap();
        let found = validate(&cli, Some(&resources), &Env::default());
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("aisix.yaml: proxi: unknown key"));
        assert!(found[1].contains("aisix.yaml: upstream.retries: invalid type"));
        assert!(found[2].contains("resources.yaml: /models/0"), "{found:?}");
    }

    #[test]
    fn validate_finds_a_missing_certificate() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("aisix.yaml");
        let text = "store: {}\nproxy: {tls: {cert_file: /nowhere/c.pem, key_file: k.pem}}";
        std::fs::write(&file, text).unwrap();
        let cli = Cli {
            config: Some(file),
            command: None,
        };
        let found = validate(&cli, None, &Env::default());
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("proxy.tls: /nowhere/c.pem: certificate cannot be read"));
    }

    fn parse(arguments: &[&str]) -> Cli {
        Cli::try_parse_from(["aisix"].iter().chain(arguments)).unwrap()
    }
}
