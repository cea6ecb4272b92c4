//! `cargo xtask check links`: relative links in Markdown point at files that exist.

use std::{fs, path::Path};

use crate::{
    shell::{Result, root},
    sources::files,
};

pub fn run() -> Result {
    println!("\n== links in Markdown");
    let mut broken = Vec::new();
    for file in files(&root(), "md")? {
        let text = fs::read_to_string(&file)?;
        let here = file.parent().unwrap_or(Path::new("."));
        for target in targets(&text) {
            if !here.join(target).exists() {
                let file = file.strip_prefix(root())?;
                broken.push(format!("{}: no such file: {target}", file.display()));
            }
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(broken.join("\n").into())
    }
}

/// The paths in `[…](path#anchor)`; links to elsewhere and within the page are not ours to check.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines()
        .filter(move |line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        })
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split([')', ' ', '#']).next())
        .filter(|target| {
            !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:")
        })
        // Rustdoc resolves these, and denies those that lead nowhere.
        .filter(|target| !target.contains("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_relative_links_only() {
        let text =
            "[a](docs/a.md#x) [b](https://b.example) [c](#here)\n```\n[d](d.md)\n```\n[e](e.md)";
        assert_eq!(targets(text).collect::<Vec<_>>(), ["docs/a.md", "e.md"]);
    }
}
