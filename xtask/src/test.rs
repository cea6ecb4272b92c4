//! `cargo xtask test`: everything that CI runs.
//!
//! One profile and one set of features for all steps (`--workspace --all-features`), so that each
//! dependency is checked once for clippy and the docs, and compiled once for the tests.

use std::process::Command;

use crate::{
    check, deps, order, setup,
    shell::{Result, cargo, step, target_dir, words, works},
};

pub fn run(args: &[String]) -> Result {
    let sdks = match args {
        [] => true,
        [flag] if flag == "--without-sdks" => false,
        _ => return Err(format!("test takes `--without-sdks` only, not {args:?}").into()),
    };
    check::fmt()?;
    deps::run()?;
    order::run()?;
    if sdks {
        setup::install()?;
    }
    check::clippy()?;
    check::doc()?;

    // Plain binaries and tests in one go: apart, cargo would resolve the features of the
    // dependencies twice (with and without those of the tests) and build most of them twice.
    step(
        "build",
        &mut cargo(words(
            "build --workspace --all-features --lib --bins --tests",
        )),
    )?;
    let mut tests = everything(sdks);
    tests.env("AISIX_BIN", target_dir().join("debug/aisix"));
    step(
        "unit, integration, example and whole-system tests",
        &mut tests,
    )?;
    step(
        "doc tests",
        &mut cargo(words("test --workspace --all-features --doc")),
    )?;
    step(
        "the core, optimised",
        &mut cargo(words(
            "test --package aisix-core --all-features --lib --tests --profile release-test",
        )),
    )?;
    println!("\nall green");
    Ok(())
}

fn everything(sdks: bool) -> Command {
    let nextest = works("cargo", ["nextest", "--version"]);
    let mut command = if nextest {
        cargo(words(
            "nextest run --workspace --all-features --no-fail-fast",
        ))
    } else {
        println!("\n   cargo-nextest is not installed: `cargo test` does instead");
        let line = "test --workspace --all-features --lib --bins --tests --no-fail-fast";
        cargo(words(line))
    };
    if !sdks {
        println!("\n   LEFT OUT: the tests with the official SDKs (--without-sdks)");
        command.arg("--");
        for module in WITH_SDKS {
            command.args(["--skip", module]);
        }
    }
    command
}

/// The modules of the whole-system tests that start an SDK.
const WITH_SDKS: &[&str] = &["sdk::", "fixtures::", "harness::"];
