use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::{Map, Value};

use super::{FileProblems, VERSION, VERSION_KEY};
use crate::resource::{self, Environment, Id, Invalid, KeyHash, Kind, Row};

/// Reads a resources file: YAML or JSON, `_format_version: "1"`, and a list for each kind.
///
/// - `${VAR}` in any string is replaced from `environment`; `$${` stands for a literal `${`.
/// - `id` may be left out: it is the name then, or for a key `key-` and the beginning of its hash.
/// - `key_env` in place of `key_hash` names a variable that holds a caller's key.
///
/// ```
/// use aisix_core::config::read_resources;
/// use aisix_core::resource::Environment;
///
/// let rows = read_resources(r#"
/// _format_version: "1"
/// models:
///   - display_name: gpt-4o
///     provider: openai
///     model_name: gpt-4o
/// "#, &Environment::default()).unwrap();
/// assert_eq!(rows[0].id.as_str(), "gpt-4o");
///
/// let problems = read_resources("modles: []", &Environment::default()).unwrap_err();
/// assert_eq!(problems.iter().len(), 2);
/// ```
///
/// # Errors
///
/// All that is wrong with the file, at once. A field that nobody knows is no error.
pub fn read_resources(text: &str, environment: &Environment) -> Result<Vec<Row>, FileProblems> {
    let mut reader = Reader {
        environment,
        problems: FileProblems::none(),
        rows: Vec::new(),
        ids: HashMap::new(),
        names: HashMap::new(),
    };
    match parse(text) {
        Ok(Value::Object(file)) => reader.file(file),
        Ok(_) => reader.problems.push("", "expected an object"),
        Err(error) => reader.problems.push("", error),
    }
    reader.problems.into_result(reader.rows)
}

struct Reader<'a> {
    environment: &'a Environment,
    problems: FileProblems,
    rows: Vec<Row>,
    ids: HashMap<(Kind, Id), String>,
    names: HashMap<(Kind, String), String>,
}

/// At most so many problems of one row are found: each costs another look at it.
const PROBLEMS_OF_A_ROW: usize = 16;

// === impl Reader ===

impl Reader<'_> {
    fn file(&mut self, mut file: Map<String, Value>) {
        match file.remove(VERSION_KEY) {
            Some(Value::String(version)) if version == VERSION => {}
            Some(Value::Number(version)) if version.to_string() == VERSION => {}
            Some(_) => self.problem(VERSION_KEY, "the only version is \"1\""),
            None => self.problem(VERSION_KEY, "missing; write `_format_version: \"1\"`"),
        }
        for kind in Kind::ALL {
            match file.remove(kind.as_str()) {
                None | Some(Value::Null) => {}
                Some(Value::Array(items)) => self.list(kind, items),
                Some(_) => self.problem(kind.as_str(), "expected a list"),
            }
        }
        for (key, _) in file {
            let reason = match key.parse::<Kind>() {
                Err(unknown) => unknown.to_string(),
                Ok(_) => "appears twice".to_owned(),
            };
            self.problem(&key, reason);
        }
    }

    fn list(&mut self, kind: Kind, items: Vec<Value>) {
        for (index, item) in items.into_iter().enumerate() {
            let pointer = format!("/{kind}/{index}");
            match item {
                Value::Object(document) => self.item(kind, &pointer, document),
                _ => self.problems.push(pointer, "expected an object"),
            }
        }
    }

    fn item(&mut self, kind: Kind, pointer: &str, mut document: Map<String, Value>) {
        for (key, value) in &mut document {
            let secret = kind.secret_fields().contains(&key.as_str());
            self.expand(&join(pointer, key), value, secret);
        }
        let explicit = document.remove("id");
        let known = kind != Kind::ApiKeys || self.key_env(pointer, &mut document);
        let value = Value::Object(document);
        self.check(kind, pointer, &value);
        if known {
            self.unique_name(kind, pointer, &value);
        }
        let id = match explicit {
            Some(id) => self.explicit_id(pointer, &id),
            // Where it cannot be derived, what is missing for it is noted already.
            None => derived_id(kind, &value).filter(|_| known),
        };
        if let Some(id) = id {
            self.unique_id(kind, pointer, &id);
            self.rows.push(Row::new(kind, id, value));
        }
    }

    /// Replaces the references in every string of `value`.
    fn expand(&mut self, pointer: &str, value: &mut Value, secret: bool) {
        match value {
            Value::String(text) => match self.environment.expand(text) {
                // A credential is looked up once more where it is used.
                Ok(expanded) if secret => {
                    *text = resource::escape(&expanded).into_owned();
                }
                Ok(expanded) => *text = expanded.into_owned(),
                Err(unset) => self.problems.push(pointer, unset.to_string()),
            },
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.expand(&format!("{pointer}/{index}"), item, secret);
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    self.expand(&join(pointer, key), value, secret);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Puts the hash of the key that a variable holds in place of the variable's name; says whether
    /// it could.
    fn key_env(&mut self, pointer: &str, document: &mut Map<String, Value>) -> bool {
        let Some(name) = document.remove("key_env") else {
            return true;
        };
        let problem = if document.contains_key("key_hash") {
            "a key has either `key_hash` or `key_env`".to_owned()
        } else if let Some(name) = name.as_str() {
            match self.environment.value(name) {
                Some(key) if !key.is_empty() => {
                    let hash = KeyHash::of(key).to_string();
                    document.insert("key_hash".to_owned(), hash.into());
                    return true;
                }
                Some(_) => format!("the environment variable `{name}` is empty"),
                None => format!("the environment variable `{name}` is not set"),
            }
        } else {
            "expected a string".to_owned()
        };
        self.problems.push(format!("{pointer}/key_env"), problem);
        // Keeps the missing hash from being noted too.
        let hash = KeyHash::from_bytes([0; 32]).to_string();
        document.insert("key_hash".to_owned(), hash.into());
        false
    }

    /// Notes what is wrong with a document: not only the first thing, which is all that one look
    /// shows, but also what shows once that is taken out.
    fn check(&mut self, kind: Kind, pointer: &str, value: &Value) {
        let Err(mut invalid) = resource::check(kind, value) else {
            return;
        };
        let mut rest = value.clone();
        let mut taken = Vec::new();
        for _ in 0..PROBLEMS_OF_A_ROW {
            let at = format!("{pointer}{}", invalid.pointer());
            if !self.problems.has(&at) {
                self.problems.push(at, invalid.reason());
            }
            let Some(name) = take(&mut rest, &invalid) else {
                return;
            };
            taken.push(name);
            match resource::check(kind, &rest) {
                Err(next) if !misses(&next, &taken) => invalid = next,
                _ => return,
            }
        }
    }

    fn explicit_id(&mut self, pointer: &str, id: &Value) -> Option<Id> {
        let pointer = format!("{pointer}/id");
        let Some(text) = id.as_str() else {
            self.problems.push(pointer, "expected a string");
            return None;
        };
        match Id::new(text) {
            Ok(id) => Some(id),
            Err(invalid) => {
                self.problems.push(pointer, invalid.to_string());
                None
            }
        }
    }

    fn unique_id(&mut self, kind: Kind, pointer: &str, id: &Id) {
        match self.ids.entry((kind, id.clone())) {
            Entry::Vacant(entry) => drop(entry.insert(pointer.to_owned())),
            Entry::Occupied(first) => {
                let reason = format!("the id `{id}` is that of {} too", first.get());
                self.problems.push(pointer, reason);
            }
        }
    }

    fn unique_name(&mut self, kind: Kind, pointer: &str, value: &Value) {
        let field = kind.name_field();
        let Some(name) = value.get(field).and_then(Value::as_str) else {
            return;
        };
        match self.names.entry((kind, name.to_owned())) {
            Entry::Vacant(entry) => drop(entry.insert(pointer.to_owned())),
            Entry::Occupied(first) => {
                let reason = format!("{} has the same one; it must be unique", first.get());
                self.problems.push(format!("{pointer}/{field}"), reason);
            }
        }
    }

    fn problem(&mut self, key: &str, reason: impl Into<String>) {
        self.problems.push(join("", key), reason);
    }
}

fn parse(text: &str) -> Result<Value, String> {
    // JSON is YAML, but a parser of its own is many times faster on a large file.
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    serde_saphyr::from_str_with_options(text, options()).map_err(|error| error.to_string())
}

fn options() -> serde_saphyr::Options {
    let mut budget = serde_saphyr::Budget::default();
    // A file of a hundred thousand keys is large, but no attack: it is the operator's own.
    budget.max_events = 20_000_000;
    budget.max_nodes = 10_000_000;
    serde_saphyr::options! {
        budget: Some(budget),
        // As YAML 1.2 has it: a model may be called `no`.
        strict_booleans: true,
        // A line of the file in an error message may hold a secret.
        with_snippet: false,
    }
}

fn derived_id(kind: Kind, value: &Value) -> Option<Id> {
    let name = value.get(kind.name_field())?.as_str()?;
    match kind {
        Kind::ApiKeys => Id::new(format!("key-{}", name.get(..16)?)).ok(),
        _ => Id::from_name(name).ok(),
    }
}

/// Takes what is wrong out of its object, if it is in one; gives its name, quoted.
fn take(value: &mut Value, invalid: &Invalid) -> Option<String> {
    let (parent, name) = invalid.pointer().rsplit_once('/')?;
    let name = name.replace("~1", "/").replace("~0", "~");
    value.pointer_mut(parent)?.as_object_mut()?.remove(&name)?;
    Some(format!("`{name}`"))
}

/// Whether a document is invalid only because of what was taken out of it.
fn misses(invalid: &Invalid, taken: &[String]) -> bool {
    let reason = invalid.reason();
    reason.starts_with("missing field") && taken.iter().any(|name| reason.contains(name.as_str()))
}

fn join(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
