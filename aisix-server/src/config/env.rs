use std::collections::BTreeMap;

use aisix_core::resource::Environment;

use serde_json::Value;

use super::Problem;
use super::schema::Node;
use super::schema::Schema;
use super::schema::Shape;
use super::tree;
use super::unknown;

const PREFIX: &str = "AISIX_";
const SEPARATOR: &str = "__";

/// The environment that a configuration is read in: a copy, so that tests bring their own.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// A copy of the environment of this process; variables that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The same variables, for references in resources.
    pub fn environment(&self) -> Environment {
        let env = self.clone();
        Environment::new(move |name| env.get(name).map(ToOwned::to_owned))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The variables that are meant for the configuration, with the path that each overrides.
    ///
    /// Without a `__` only a key of the file's root is meant: an orchestrator that links a service
    /// called `aisix` sets `AISIX_PORT` and the like.
    fn overrides(&self) -> impl Iterator<Item = (&str, Vec<String>, &str)> {
        self.0.iter().filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX)?;
            let path = path.split(SEPARATOR).map(str::to_ascii_lowercase).collect();
            Some((name.as_str(), path, value.as_str()))
        })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self(variables.map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values hold secrets.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Replaces `${VAR}` in every string value. `$${` stands for `${` itself.
pub(super) fn expand(tree: &mut Value, schema: &Schema, env: &Env, problems: &mut Vec<Problem>) {
    expand_below(tree, Some(schema.root()), env, "", problems);
}

/// Puts the `AISIX_…` variables over what the file says.
pub(super) fn overlay(tree: &mut Value, schema: &Schema, env: &Env, problems: &mut Vec<Problem>) {
    for (name, path, value) in env.overrides() {
        let node = schema.find(path.iter().map(String::as_str));
        match node {
            Some(node) if path.len() > 1 || node.shape() != Shape::Section => {
                insert(tree, &path, typed(value, node.shape()));
            }
            None if path.len() > 1 => problems.push(unknown_override(schema, name, &path)),
            _ => {}
        }
    }
}

fn expand_below(
    tree: &mut Value,
    node: Option<Node<'_>>,
    env: &Env,
    path: &str,
    problems: &mut Vec<Problem>,
) {
    match tree {
        Value::Object(members) => {
            for (key, value) in members {
                let node = node.and_then(|node| node.property(key));
                expand_below(value, node, env, &unknown::join(path, key), problems);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                expand_below(item, None, env, &format!("{path}[{index}]"), problems);
            }
        }
        Value::String(text) if text.contains("${") => match replace(text, env) {
            Ok(replaced) => {
                *tree = typed(&replaced, node.map_or(Shape::Text, Node::shape));
            }
            Err(reason) => problems.push(Problem::at(path, reason)),
        },
        _ => {}
    }
}

fn replace(text: &str, env: &Env) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, reference) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = reference;
            continue;
        }
        out.push_str(before);
        let end = reference
            .find('}')
            .filter(|end| is_name(&reference[..*end]));
        let Some(end) = end else {
            return Err("`${` begins no variable; write `$${` for itself".to_owned());
        };
        let name = &reference[..end];
        let value = env.get(name);
        out.push_str(value.ok_or_else(|| format!("environment variable `{name}` is not set"))?);
        rest = &reference[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The value that `text` stands for where `shape` is wanted. What does not fit stays text: its
/// reader knows best how to say so.
fn typed(text: &str, shape: Shape) -> Value {
    let trimmed = text.trim();
    let value = match shape {
        Shape::Bool => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(Value::Bool(true)),
            "false" | "0" | "no" | "off" => Some(Value::Bool(false)),
            _ => None,
        },
        Shape::Integer => trimmed
            .parse::<u64>()
            .map(Value::from)
            .or_else(|_| trimmed.parse::<i64>().map(Value::from))
            .ok(),
        Shape::Number => trimmed.parse::<f64>().map(Value::from).ok(),
        Shape::List => Some(list(trimmed)),
        Shape::Section => tree::parse(trimmed).ok().filter(Value::is_object),
        Shape::Text => None,
    };
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// `a,b` or `["a", "b"]`.
fn list(text: &str) -> Value {
    if text.starts_with('[')
        && let Ok(list @ Value::Array(_)) = tree::parse(text)
    {
        return list;
    }
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    items.map(Value::from).collect()
}

fn insert(tree: &mut Value, path: &[String], value: Value) {
    let mut node = tree;
    for key in path {
        if !node.is_object() {
            *node = Value::Object(Default::default());
        }
        node = &mut node[key.as_str()];
    }
    *node = value;
}

fn unknown_override(schema: &Schema, name: &str, path: &[String]) -> Problem {
    let mut section = schema.root();
    let mut known: Vec<&str> = Vec::new();
    for key in path {
        let Some(next) = section.property(key) else {
            break;
        };
        section = next;
        known.push(key);
    }
    let wrong = path.get(known.len()).map_or("", String::as_str);
    let meant = unknown::nearest(schema, section, &known.join("."), wrong);
    let path = path.join(".");
    Problem::at(
        name,
        format!("unknown key `{path}`; did you mean `{meant}`?"),
    )
}
