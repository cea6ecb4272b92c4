use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Path;
use serde_path_to_error::Segment;

use super::Problem;

/// What the parser says to programmers and an operator can do nothing with.
const ADVICE_FOR_CALLERS: &str = ", set DuplicateKeyPolicy in Options if acceptable";

/// Parses YAML, of which JSON is a part.
pub(super) fn parse(text: &str) -> Result<Value, Problem> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let reason = error.to_string();
        let line = reason.lines().next().unwrap_or("is no valid YAML");
        let line = line.replace(ADVICE_FOR_CALLERS, "");
        Problem::whole(format!("invalid YAML: {line}"))
    })
}

/// Removes keys without a value: a section whose lines are all commented out is not there.
pub(super) fn prune_nulls(tree: &mut Value) {
    if let Value::Object(members) = tree {
        members.retain(|_, value| !value.is_null());
        members.values_mut().for_each(prune_nulls);
    }
}

/// Reads a `T`, leaving out every value that does not fit and reporting each.
pub(super) fn read<T: DeserializeOwned + Default>(
    mut tree: Value,
    problems: &mut Vec<Problem>,
) -> T {
    let mut removed: Vec<String> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize(tree.clone()) {
            Ok(document) => return document,
            Err(error) => error,
        };
        let path = error.path().to_string();
        let reason = plain(&error.inner().to_string());
        // A required value that was removed a round ago is missing only because of that.
        let echo = reason
            .strip_prefix("missing field `")
            .and_then(|rest| rest.strip_suffix('`'))
            .is_some_and(|field| removed.contains(&format!("{path}.{field}")));
        // A variable that is not set leaves a value behind that cannot fit either.
        let known = problems.iter().any(|problem| problem.path() == path);
        if !echo && !known {
            problems.push(Problem::at(path.clone(), reason));
        }
        if !remove(&mut tree, error.path()) {
            return T::default();
        }
        removed.push(path);
    }
}

/// The reason without the names that integers have in Rust.
fn plain(reason: &str) -> String {
    const INTEGERS: [&str; 3] = ["usize", "u64", "u32"];
    INTEGERS
        .into_iter()
        .find_map(|name| reason.strip_suffix(name)?.strip_suffix("expected "))
        .map_or_else(
            || reason.to_owned(),
            |start| format!("{start}expected a whole number from 0"),
        )
}

/// Removes the value at `path`; false when there is none, so that nobody tries again.
fn remove(tree: &mut Value, path: &Path) -> bool {
    let mut steps: Vec<&Segment> = path.iter().collect();
    // The value to remove is a member of a mapping: without one of its items a list would give
    // the others wrong places, and an enum's variant is named as a step below its value.
    let Some(key) = std::iter::from_fn(|| steps.pop()).find_map(|step| match step {
        Segment::Map { key } => Some(key),
        _ => None,
    }) else {
        return false;
    };
    let parent = steps
        .into_iter()
        .try_fold(tree, |node, step| match (node, step) {
            (Value::Object(members), Segment::Map { key }) => members.get_mut(key),
            (Value::Array(items), Segment::Seq { index }) => items.get_mut(*index),
            _ => None,
        });
    match parent {
        Some(Value::Object(members)) => members.remove(key).is_some(),
        _ => false,
    }
}
