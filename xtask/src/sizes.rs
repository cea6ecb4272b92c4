//! `cargo xtask check sizes`: how long our files are. Printed for a look, not a gate.

use std::fs;

use crate::{
    shell::{Result, root},
    sources::files,
};

const PACKAGES: &[&str] = &[
    "aisix-core",
    "aisix-providers",
    "aisix-hooks",
    "aisix-etcd",
    "aisix-server",
    "examples",
    "tests",
    "bench",
    "xtask",
];

/// Files longer than this are named.
const LONG: usize = 500;

pub fn run() -> Result {
    println!("\n== sizes of files, in lines");
    println!(
        "   {:<16} {:>5} {:>7} {:>6} {:>5} {:>5} {:>6}",
        "", "files", "lines", "median", "p90", "max", "docs"
    );
    for package in PACKAGES {
        let dir = root().join(package);
        let mut lengths = Vec::new();
        let (mut lines, mut docs) = (0, 0);
        for file in files(&dir, "rs")? {
            let text = fs::read_to_string(&file)?;
            let length = text.lines().count();
            lines += length;
            docs += text.lines().filter(|line| is_doc(line)).count();
            lengths.push((length, file));
        }
        lengths.sort();
        let Some((longest, _)) = lengths.last() else {
            continue;
        };
        println!(
            "   {package:<16} {:>5} {lines:>7} {:>6} {:>5} {longest:>5} {:>4} %",
            lengths.len(),
            lengths[lengths.len() / 2].0,
            lengths[(lengths.len() * 9 / 10).min(lengths.len() - 1)].0,
            docs * 100 / lines.max(1),
        );
        for (length, file) in lengths.iter().filter(|(length, _)| *length > LONG) {
            println!(
                "   {:<16} {length:>5} {}",
                "",
                file.strip_prefix(root())?.display()
            );
        }
    }
    Ok(())
}

fn is_doc(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("///") || line.starts_with("//!")
}
