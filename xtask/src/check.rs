//! `cargo xtask check`: what can be said about the code without running it.

use crate::{
    deps, features, links, order,
    shell::{Result, cargo, step, words},
    sizes,
};

type Part = (&'static str, fn() -> Result);

const PARTS: &[Part] = &[
    ("fmt", fmt),
    ("deps", deps::run),
    ("order", order::run),
    ("links", links::run),
    ("sizes", sizes::run),
    ("clippy", clippy),
    ("doc", doc),
    ("features", features::run),
];

pub fn run(wanted: &[String]) -> Result {
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !PARTS.iter().any(|part| part.0 == *name))
    {
        let names: Vec<_> = PARTS.iter().map(|part| part.0).collect();
        return Err(format!("no part `{unknown}`; there are {}", names.join(", ")).into());
    }
    let mut wrong = Vec::new();
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            wrong.extend(part().err().map(|error| format!("{name}: {error}")));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.join("\n").into())
}

pub fn fmt() -> Result {
    step("format", &mut cargo(words("fmt --all -- --check")))
}

pub fn clippy() -> Result {
    let line = "clippy --workspace --all-targets --all-features -- -D warnings";
    step("clippy", &mut cargo(words(line)))
}

/// The docs of what others depend on: the binaries' are read in their source.
pub fn doc() -> Result {
    let mut command = cargo(words("doc --workspace --no-deps --all-features --lib"));
    step("docs", command.env("RUSTDOCFLAGS", "-D warnings"))
}
