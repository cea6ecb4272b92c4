//! `cargo xtask check order`: a module of the core uses only what stands above it.

use std::{fs, path::Path};

use crate::{
    shell::{Result, root},
    sources::files,
};

/// Top to bottom. Modules on one line may know each other.
const ORDER: &[&[&str]] = &[
    &["error"],
    &["sse", "json"],
    &["conversation"],
    &["dialect"],
    &["resource"],
    &["snapshot", "config"],
    &["call"],
    &["reply"],
    &["hook", "provider"],
    &["gateway"],
    &["testing"],
];

/// What `lib.rs` re-exports and every module may name: the one error.
const EVERYWHERE: &[&str] = &["Error", "ErrorKind", "Result", "RetryAdvice"];

pub fn run() -> Result {
    println!("\n== order of the core's modules");
    let src = root().join("aisix-core/src");
    let mut wrong = Vec::new();
    for file in files(&src, "rs")? {
        let inside = file.strip_prefix(&src)?;
        let Some(module) = module_of(inside) else {
            continue;
        };
        let Some(rank) = rank_of(&module) else {
            wrong.push(format!(
                "{}: `{module}` has no place in the order",
                inside.display()
            ));
            continue;
        };
        for (line, name) in uses(&fs::read_to_string(&file)?) {
            let fine = match rank_of(&name) {
                Some(other) => other <= rank,
                None => EVERYWHERE.contains(&name.as_str()),
            };
            if !fine {
                let place = format!("aisix-core/src/{}:{line}", inside.display());
                wrong.push(format!("{place}: `{module}` may not use `crate::{name}`"));
            }
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n").into())
    }
}

/// `None` for `lib.rs`, which knows all, and for files that are tests throughout.
fn module_of(inside: &Path) -> Option<String> {
    let first = inside.components().next()?.as_os_str().to_str()?;
    let tests = inside.file_stem().is_some_and(|stem| stem == "tests")
        || inside.components().any(|part| part.as_os_str() == "tests");
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (module != "lib" && !tests).then(|| module.to_owned())
}

fn rank_of(module: &str) -> Option<usize> {
    ORDER.iter().position(|line| line.contains(&module))
}

/// The first segment after each `crate::`, with its line; neither comments nor tests count.
fn uses(source: &str) -> Vec<(usize, String)> {
    let code = source
        .split("#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    let mut found = Vec::new();
    // Comments are blanked, not cut, so that lines keep their numbers.
    let code: String = code
        .lines()
        .map(|line| {
            if line.trim_start().starts_with("//") {
                "\n".into()
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => heads(group),
            None => vec![ident(rest)],
        };
        found.extend(
            names
                .into_iter()
                .filter(|name| !name.is_empty())
                .map(|name| (line, name)),
        );
    }
    found
}

/// The first names of `a::{b, c}, d}…`: those at the outermost level of the braces.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, byte) in group.char_indices() {
        match byte {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                names.push(ident(group[start..at].trim_start()));
                start = at + 1;
                if byte == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

fn ident(text: &str) -> String {
    text.chars()
        .take_while(|char| char.is_alphanumeric() || *char == '_')
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_first_segment() {
        let source = "\
use crate::{
    call::{Call, Operation},
    error::Error,
};
/// See [`crate::gateway`].
fn f(_: crate::reply::Reply) {}
#[cfg(test)]
mod tests { use crate::testing; }
";
        let names: Vec<_> = uses(source);
        let expected = [(1, "call"), (1, "error"), (6, "reply")];
        assert_eq!(names, expected.map(|(line, name)| (line, name.to_owned())));
    }

    #[test]
    fn files_belong_to_their_top_module() {
        assert_eq!(
            module_of(Path::new("dialect/openai/mod.rs")).as_deref(),
            Some("dialect")
        );
        assert_eq!(module_of(Path::new("error.rs")).as_deref(), Some("error"));
        assert_eq!(module_of(Path::new("lib.rs")), None);
        assert_eq!(module_of(Path::new("json/tests.rs")), None);
    }
}
