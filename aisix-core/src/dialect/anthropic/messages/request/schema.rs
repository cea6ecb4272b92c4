//! The JSON Schema that Anthropic can hold an answer to.
//!
//! Source: the structured outputs guide, and what the official SDKs do with a schema before they send
//! it.

use serde_json::{Map, Value};

/// The schema with what cannot be enforced told in descriptions, and objects closed.
pub(super) fn enforceable(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => Value::Object(enforceable_map(map)),
        other => other.clone(),
    }
}

fn enforceable_map(map: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    let mut told = Vec::new();
    for (name, value) in map {
        match (name.as_str(), value) {
            ("oneOf" | "anyOf" | "allOf", Value::Array(schemas)) => {
                let name = if name == "oneOf" { "anyOf" } else { name };
                let schemas: Vec<_> = schemas.iter().map(enforceable).collect();
                out.insert(name.to_owned(), schemas.into());
            }
            ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
                let schemas = schemas
                    .iter()
                    .map(|(name, schema)| (name.clone(), enforceable(schema)));
                out.insert(name.clone(), Value::Object(schemas.collect()));
            }
            ("items", value) => {
                out.insert(name.clone(), enforceable(value));
            }
            // Objects are closed below, whatever is said here.
            ("additionalProperties", Value::Bool(_)) => {}
            ("minItems", Value::Number(count)) if count.as_u64() <= Some(1) => {
                out.insert(name.clone(), value.clone());
            }
            ("format", Value::String(format)) if FORMATS.contains(&format.as_str()) => {
                out.insert(name.clone(), value.clone());
            }
            (known, _) if !is_unenforceable(known) => {
                out.insert(name.clone(), value.clone());
            }
            _ => told.push(format!("{name}: {value}")),
        }
    }
    let is_object = map.get("type").is_some_and(|kind| match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "object"),
        kind => kind == "object",
    });
    if is_object || map.contains_key("properties") {
        out.insert("additionalProperties".to_owned(), false.into());
    }
    if !told.is_empty() {
        let told = format!("{{{}}}", told.join(", "));
        let description = match map.get("description").and_then(Value::as_str) {
            Some(description) => format!("{description}\n\n{told}"),
            None => told,
        };
        out.insert("description".to_owned(), description.into());
    }
    out
}

fn is_unenforceable(name: &str) -> bool {
    UNENFORCEABLE.contains(&name)
}

const UNENFORCEABLE: &[&str] = &[
    "additionalProperties",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
];

const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "time",
    "uri",
    "uuid",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_enforced_is_told() {
        let schema = json!({
            "type": "object",
            "properties": {
                "age": {"type": "integer", "minimum": 0, "description": "In years."},
                "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string"}},
                "minimum": {"type": "string", "format": "color"},
            },
            "required": ["age"],
        });
        assert_eq!(
            enforceable(&schema),
            json!({
                "type": "object",
                "properties": {
                    "age": {"type": "integer", "description": "In years.\n\n{minimum: 0}"},
                    "tags": {"type": "array", "minItems": 1, "items": {"type": "string"},
                        "description": "{maxItems: 3}"},
                    "minimum": {"type": "string", "description": "{format: \"color\"}"},
                },
                "required": ["age"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn a_choice_of_one_is_a_choice_of_any() {
        let schema =
            json!({"oneOf": [{"type": "object"}, {"type": "null"}], "$defs": {"a": {"const": 1}}});
        assert_eq!(
            enforceable(&schema),
            json!({"anyOf": [{"type": "object", "additionalProperties": false}, {"type": "null"}],
                "$defs": {"a": {"const": 1}}})
        );
    }
}
