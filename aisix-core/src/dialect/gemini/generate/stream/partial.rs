//! Arguments that come in pieces, each with the path at which it belongs.
//!
//! Vertex sends them so when asked to (`streamFunctionCallArguments`).

use serde_json::{Map, Value};

use super::super::wire::PartialArg;
use crate::dialect::openai::undecodable;
use crate::error::Result;

/// The arguments as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Partial {
    args: Value,
}

enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

impl Partial {
    /// What a call begins with, which may be all of it.
    pub(super) fn new(args: Option<Value>) -> Self {
        Self {
            args: args.unwrap_or_default(),
        }
    }

    /// Puts a piece in its place; texts grow.
    pub(super) fn apply(&mut self, piece: &PartialArg) -> Result<()> {
        let path = piece.json_path.as_deref().unwrap_or_default();
        let mut place = &mut self.args;
        for step in steps(path).ok_or_else(|| undecodable("an argument at no valid path"))? {
            place = match step {
                Step::Member(name) => member(place, name),
                Step::Element(at) => {
                    element(place, at).ok_or_else(|| undecodable("an argument out of order"))?
                }
            };
        }
        if let Some(text) = &piece.string_value {
            match place {
                Value::String(known) => known.push_str(text),
                place => *place = text.clone().into(),
            }
            return Ok(());
        }
        for (name, value) in &piece.rest {
            if matches!(name.as_str(), "numberValue" | "boolValue") {
                *place = value.clone();
            }
        }
        Ok(())
    }

    /// The arguments, whole.
    pub(super) fn into_args(self) -> Value {
        match self.args {
            Value::Null => Map::new().into(),
            args => args,
        }
    }
}

fn member<'a>(place: &'a mut Value, name: &str) -> &'a mut Value {
    if !place.is_object() {
        *place = Map::new().into();
    }
    // Indexing an object by a name that it lacks makes the member.
    &mut place[name]
}

/// Elements come in order, so that one far beyond the end is no element.
fn element(place: &mut Value, at: usize) -> Option<&mut Value> {
    if !place.is_array() {
        *place = Value::Array(Vec::new());
    }
    let elements = place.as_array_mut()?;
    if at > elements.len() + MAX_GAP {
        return None;
    }
    if at >= elements.len() {
        elements.resize(at + 1, Value::Null);
    }
    elements.get_mut(at)
}

/// `$.recipe.steps[0]`, also with names in brackets and quotes.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let mut rest = path.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if steps.len() == MAX_DEPTH {
            return None;
        }
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            steps.push(Step::Member(&name[..end]));
            rest = &name[end..];
            continue;
        }
        let inner = rest.strip_prefix('[')?;
        let quote = inner
            .chars()
            .next()
            .filter(|first| matches!(first, '\'' | '"'));
        if let Some(quote) = quote {
            let (name, behind) = inner[1..].split_once(quote)?;
            steps.push(Step::Member(name));
            rest = behind.strip_prefix(']')?;
        } else {
            let (at, behind) = inner.split_once(']')?;
            steps.push(Step::Element(at.parse().ok()?));
            rest = behind;
        }
    }
    Some(steps)
}

const MAX_DEPTH: usize = 100;
const MAX_GAP: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn piece(path: &str, value: &Value) -> PartialArg {
        let mut piece = json!({"jsonPath": path});
        for (name, value) in value.as_object().unwrap() {
            piece[name] = value.clone();
        }
        serde_json::from_value(piece).unwrap()
    }

    #[test]
    fn pieces_find_their_places() {
        let mut partial = Partial::default();
        for (path, value) in [
            (
                "$.city",
                json!({"stringValue": "Bos", "willContinue": true}),
            ),
            ("$.city", json!({"stringValue": "ton"})),
            ("$.days[0].n", json!({"numberValue": 1})),
            ("$.days[1]['is.it']", json!({"boolValue": true})),
            ("$.none", json!({"nullValue": "NULL_VALUE"})),
        ] {
            partial.apply(&piece(path, &value)).unwrap();
        }
        let expected = json!({
            "city": "Boston", "days": [{"n": 1}, {"is.it": true}], "none": null
        });
        assert_eq!(partial.into_args(), expected);
    }

    #[test]
    fn nonsense_is_no_path() {
        for path in [
            "",
            "x",
            "$[",
            "$[x]",
            "$['a",
            "$[99999999999]",
            "$.a b[1]c",
            "$[\u{e9}]",
        ] {
            let mut partial = Partial::default();
            let piece = piece(path, &json!({"stringValue": "x"}));
            assert!(partial.apply(&piece).is_err(), "{path}");
        }
        let deep = format!("${}", ".a".repeat(1000));
        let mut partial = Partial::default();
        assert!(
            partial
                .apply(&piece(&deep, &json!({"numberValue": 1})))
                .is_err()
        );
    }
}
