//! The packages of PyPI, in the virtual environment `target/venv`.

use tokio::process::Command;

use crate::sdk;

/// The command that runs `sdk/python/<name>`.
///
/// # Panics
///
/// When the virtual environment is missing.
pub fn script(name: &str) -> Command {
    let python = sdk::target().join("venv/bin/python");
    assert!(
        python.is_file(),
        "{} is missing: run `cargo xtask test`, which installs the SDKs",
        python.display()
    );
    let mut command = Command::new(python);
    command
        .arg(sdk::scripts().join("python").join(name))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
