//! `cargo xtask check features`: each feature of each library compiles without the others.

use crate::{
    deps::{Workspace, metadata},
    shell::{Result, cargo, step},
};

const LIBRARIES: &[&str] = &["aisix-core", "aisix-providers", "aisix-hooks", "aisix-etcd"];

pub fn run() -> Result {
    let workspace: Workspace = metadata()?;
    for package in LIBRARIES {
        let names = workspace.features(package)?;
        for feature in std::iter::once("").chain(names.iter().map(String::as_str)) {
            if feature == "default" {
                continue;
            }
            let title = format!(
                "{package} with {}",
                if feature.is_empty() { "none" } else { feature }
            );
            let mut command = cargo(["clippy", "--lib", "--no-default-features", "--package"]);
            command.arg(package).arg("--features").arg(feature);
            // What is left over when its user is left out is a mistake in the `cfg`s.
            step(&title, command.args(["--", "-D", "warnings"]))?;
        }
    }
    Ok(())
}
