//! The packages of npm, in `target/node/node_modules`.

use tokio::process::Command;

use crate::sdk;

/// The command that runs `sdk/node/<name>`.
///
/// # Panics
///
/// When the packages are missing.
pub fn script(name: &str) -> Command {
    let folder = sdk::target().join("node");
    for package in ["openai", "@anthropic-ai/sdk", "ai"] {
        assert!(
            folder.join("node_modules").join(package).is_dir(),
            "{} has no node_modules/{package}: run `cargo xtask test`, which installs the SDKs",
            folder.display()
        );
    }
    let mut command = Command::new("node");
    // Modules are looked for beside the script, where none are: it resolves them from here.
    command
        .arg(sdk::scripts().join("node").join(name))
        .env("AISIX_NODE_FOLDER", folder);
    command
}
