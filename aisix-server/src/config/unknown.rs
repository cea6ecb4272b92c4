use serde_json::Value;

use super::Problem;
use super::schema::Node;
use super::schema::Schema;

/// Below this likeness a key of the same name in another section is the better guess.
const ALIKE: f64 = 0.5;

/// Removes every key that the schema does not know, and reports it with the nearest known one.
pub(super) fn remove(tree: &mut Value, schema: &Schema, problems: &mut Vec<Problem>) {
    remove_below(tree, schema.root(), schema, "", problems);
}

/// The path of the known key that `key` in the section `prefix` was probably meant to be.
pub(super) fn nearest(schema: &Schema, section: Node<'_>, prefix: &str, key: &str) -> String {
    let key = key.to_ascii_lowercase();
    let (likeness, sibling) = section
        .keys()
        .map(|known| (strsim::normalized_damerau_levenshtein(known, &key), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap_or((0.0, ""));
    let elsewhere = || find(schema.root(), "", &key);
    if likeness < ALIKE
        && let Some(path) = elsewhere()
    {
        return path;
    }
    if sibling.is_empty() {
        return prefix.to_owned();
    }
    join(prefix, sibling)
}

/// The path of a key below the section `prefix`.
pub(super) fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

fn remove_below(
    tree: &mut Value,
    node: Node<'_>,
    schema: &Schema,
    prefix: &str,
    problems: &mut Vec<Problem>,
) {
    let Value::Object(members) = tree else {
        return;
    };
    if node.keys().next().is_none() {
        return; // Not a section: its reader says what it should have been.
    }
    members.retain(|key, value| {
        let path = join(prefix, key);
        let Some(property) = node.property(key) else {
            let meant = nearest(schema, node, prefix, key);
            problems.push(Problem::at(
                path,
                format!("unknown key `{key}`; did you mean `{meant}`?"),
            ));
            return false;
        };
        remove_below(value, property, schema, &path, problems);
        true
    });
}

/// The first path whose last key is exactly `key`.
fn find(node: Node<'_>, prefix: &str, key: &str) -> Option<String> {
    node.keys().find_map(|known| {
        let path = join(prefix, known);
        if known == key {
            return Some(path);
        }
        find(node.property(known)?, &path, key)
    })
}
