//! Other programs: how they are started, and what is said about it.

use std::{
    env,
    error::Error as StdError,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

pub type Result<T = ()> = std::result::Result<T, Box<dyn StdError>>;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The cargo that started us, in the workspace, with a `protoc` for the build scripts that want one.
pub fn cargo<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(args);
    if env::var_os("PROTOC").is_none()
        && let (Ok(protoc), Ok(include)) = (
            protoc_bin_vendored::protoc_bin_path(),
            protoc_bin_vendored::include_path(),
        )
    {
        command.env("PROTOC", protoc).env("PROTOC_INCLUDE", include);
    }
    command
}

/// Splits a command line at its spaces. For fixed words only.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace()
}

/// Runs a step of a longer job: says what it is, and how long it took.
pub fn step(title: &str, command: &mut Command) -> Result {
    println!("\n== {title}\n   {}", line_of(command));
    let start = Instant::now();
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", line_of(command)))?;
    if !status.success() {
        return Err(format!("{title}: {status}").into());
    }
    println!("   {title}: {:.1} s", start.elapsed().as_secs_f32());
    Ok(())
}

/// What a program prints, or why it did not.
pub fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("{}: {error}", line_of(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{}: {}\n{said}", line_of(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a program runs at all.
pub fn works<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn line_of(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or_default();
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
