//! `cargo xtask check deps`: who may know whom.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::shell::{Result, cargo, read, words};

/// What a crate may depend on, itself (`may`), and what must not come in even through others (`never`).
struct Rule {
    package: &'static str,
    may: &'static [&'static str],
    never: &'static [&'static str],
}

const VOCABULARY: &[&str] = &[
    "arc-swap",
    "base64",
    "bytes",
    "fastrand",
    "futures-core",
    "http",
    "http-body",
    "http-body-util",
    "jiff",
    "memchr",
    "pin-project-lite",
    "rpds",
    "schemars",
    "serde",
    "serde-saphyr",
    "serde_json",
    "sha2",
    "thiserror",
    "tokio",
    "tower-layer",
    "tower-service",
    "tracing",
];

const RULES: &[Rule] = &[
    Rule {
        package: "aisix-core",
        may: &[],
        never: &[
            "aisix-providers",
            "aisix-hooks",
            "aisix-etcd",
            "aisix-server",
            "hyper",
            "hyper-util",
            "rustls",
            "reqwest",
            "axum",
            "tonic",
            "etcd-client",
            "opentelemetry",
            "prometheus",
            "mio",
            "socket2",
        ],
    },
    Rule {
        package: "aisix-providers",
        may: &[
            "aisix-core",
            "futures-util",
            "hyper",
            "hyper-util",
            "hyper-rustls",
            "rustls",
            "rustls-native-certs",
            "tokio-rustls",
            "h2",
            "subtle",
        ],
        never: &[
            "aisix-hooks",
            "aisix-etcd",
            "aisix-server",
            "axum",
            "reqwest",
        ],
    },
    Rule {
        package: "aisix-hooks",
        may: &[
            "aisix-core",
            "futures-util",
            "metrics",
            "redis",
            "regex",
            "subtle",
        ],
        never: &[
            "aisix-providers",
            "aisix-etcd",
            "aisix-server",
            "axum",
            "hyper",
            "reqwest",
        ],
    },
    Rule {
        package: "aisix-etcd",
        may: &["aisix-core", "async-stream", "etcd-client", "futures-util"],
        never: &["aisix-hooks", "aisix-providers", "aisix-server"],
    },
    Rule {
        package: "xtask",
        may: &["protoc-bin-vendored"],
        never: &["aisix-core"],
    },
    Rule {
        package: "aisix-bench",
        may: &[
            "clap",
            "httparse",
            "hyper",
            "hyper-util",
            "mimalloc",
            "socket2",
        ],
        never: &["aisix-core"],
    },
];

/// The core's own budget, without optional features: what an embedder takes on.
///
/// Four of its crates are small ones that spare us code which is easily wrong, or slow: `base64`
/// and `sha2` (codecs, no copies of our own), `jiff` (the dates in resources), `fastrand` (request
/// ids without a system call each).
const CORE_DIRECT: usize = 18;
const CORE_TREE: usize = 48;

/// Features of tokio that would let the core start tasks or touch sockets by default.
const CORE_TOKIO: &[&str] = &["sync", "time"];

pub fn run() -> Result {
    println!("\n== dependencies");
    let workspace = metadata()?;
    let mut wrong = Vec::new();
    for rule in RULES {
        let allowed = |name: &str| rule.may.contains(&name) || VOCABULARY.contains(&name);
        let direct = workspace.dependencies(rule.package)?;
        for name in direct.iter().filter(|name| !allowed(name)) {
            wrong.push(format!("{} may not depend on {name}", rule.package));
        }
        let tree = tree(rule.package, &[])?;
        let all = names(&tree);
        for name in rule.never.iter().filter(|name| all.contains(*name)) {
            let path = self::tree(rule.package, &["--invert", name])?;
            wrong.push(format!(
                "{} must never see {name}, but:\n{path}",
                rule.package
            ));
        }
        println!(
            "   {:<16} {:>2} direct, {:>3} in its tree",
            rule.package,
            direct.len(),
            all.len() - 1
        );
        if rule.package == "aisix-core" {
            let plain = direct.len() - workspace.optional(rule.package)?.len();
            let tree = read(&mut cargo(words(
                "tree --edges normal --prefix none --package aisix-core",
            )))?;
            let all = names(&tree).len() - 1;
            println!(
                "   {:<16} {plain:>2} direct, {all:>3} in its tree (budget: {CORE_DIRECT} and {CORE_TREE})",
                "  by default",
            );
            if plain > CORE_DIRECT || all > CORE_TREE {
                wrong.push(format!("{} is over its budget", rule.package));
            }
            for feature in workspace.features_of(rule.package, "tokio")? {
                if !CORE_TOKIO.contains(&feature.as_str()) {
                    wrong.push(format!("{} may not ask for tokio/{feature}", rule.package));
                }
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n").into())
    }
}

/// The crates that a library brings along, of its own accord and with all its features.
fn tree(package: &str, more: &[&str]) -> Result<String> {
    let mut command = cargo(words("tree --edges normal --all-features --package"));
    command
        .arg(package)
        .args(["--prefix", if more.is_empty() { "none" } else { "indent" }]);
    read(command.args(more))
}

/// The crates in such a list, the library itself among them.
fn names(tree: &str) -> BTreeSet<&str> {
    tree.lines()
        .filter_map(|line| line.split(' ').next())
        .collect()
}

/// What cargo says about the members of the workspace.
pub struct Workspace(Value);

pub fn metadata() -> Result<Workspace> {
    let text = read(&mut cargo(words("metadata --format-version 1 --no-deps")))?;
    Ok(Workspace(serde_json::from_str(&text)?))
}

impl Workspace {
    fn package(&self, name: &str) -> Result<&Value> {
        let packages = self.0["packages"].as_array().into_iter().flatten();
        let mut found = packages.filter(|package| package["name"] == name);
        found
            .next()
            .ok_or_else(|| format!("the workspace has no package {name}").into())
    }

    /// Its features, `default` among them.
    pub fn features(&self, package: &str) -> Result<Vec<String>> {
        let features = self.package(package)?["features"].as_object();
        Ok(features
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect())
    }

    /// Its own dependencies; not those of its tests and build scripts.
    fn dependencies(&self, package: &str) -> Result<BTreeSet<String>> {
        Ok(self.normal(package)?.filter_map(name_of).collect())
    }

    fn optional(&self, package: &str) -> Result<BTreeSet<String>> {
        let optional = self.normal(package)?.filter(|one| one["optional"] == true);
        Ok(optional.filter_map(name_of).collect())
    }

    fn features_of(&self, package: &str, dependency: &str) -> Result<Vec<String>> {
        let one = self
            .normal(package)?
            .filter(|one| one["name"] == dependency);
        let features = one.flat_map(|one| one["features"].as_array().into_iter().flatten());
        Ok(features
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect())
    }

    fn normal(&self, package: &str) -> Result<impl Iterator<Item = &Value>> {
        let all = self.package(package)?["dependencies"]
            .as_array()
            .into_iter()
            .flatten();
        Ok(all.filter(|dependency| dependency["kind"].is_null()))
    }
}

fn name_of(dependency: &Value) -> Option<String> {
    dependency["name"].as_str().map(str::to_owned)
}
