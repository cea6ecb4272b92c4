//! JSON Schema, and the older subset of OpenAPI's schemas that `parameters` and `responseSchema` hold.

use serde_json::{Map, Value, json};

/// A schema as `parametersJsonSchema` and `responseJsonSchema` take it: what the vendor refuses is
/// said in another way where there is one, and else left out, which only makes the schema wider.
///
/// Source: <https://ai.google.dev/api/generate-content> (`responseJsonSchema`).
pub(super) fn accepted(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        // `true` and `false` are schemas too, which the vendor does not know.
        return json!({});
    };
    let mut map = map.clone();
    merge_all_of(&mut map);
    let mut out = Map::new();
    for (name, value) in &map {
        match name.as_str() {
            "const" => {
                out.insert("enum".to_owned(), json!([value]));
            }
            "properties" | "$defs" | "definitions" => {
                // What older drafts call definitions.
                let name = if name == "definitions" { "$defs" } else { name };
                let members = value.as_object().into_iter().flatten();
                let members = members.map(|(name, schema)| (name.clone(), accepted(schema)));
                out.insert(name.to_owned(), Value::Object(members.collect()));
            }
            "$ref" => {
                let target = value.as_str().unwrap_or_default();
                let target = target.replace("#/definitions/", "#/$defs/");
                out.insert(name.clone(), target.into());
            }
            "items" if value.is_array() => {
                let items = value.as_array().into_iter().flatten();
                out.insert("prefixItems".to_owned(), items.map(accepted).collect());
            }
            "items" => {
                out.insert(name.clone(), accepted(value));
            }
            "prefixItems" | "anyOf" | "oneOf" => {
                let schemas = value.as_array().into_iter().flatten();
                out.insert(name.clone(), schemas.map(accepted).collect());
            }
            "additionalProperties" if value.is_object() => {
                out.insert(name.clone(), accepted(value));
            }
            name if KEPT.contains(&name) => {
                out.insert(name.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(out)
}

/// All of several schemas are one that has the members of each.
fn merge_all_of(map: &mut Map<String, Value>) {
    let Some(Value::Array(schemas)) = map.shift_remove("allOf") else {
        return;
    };
    for mut schema in schemas {
        let Some(schema) = schema.as_object_mut() else {
            continue;
        };
        merge_all_of(schema);
        for (name, value) in std::mem::take(schema) {
            match (map.get_mut(&name), value) {
                (Some(Value::Object(old)), Value::Object(new)) if name == "properties" => {
                    old.extend(new);
                }
                (Some(Value::Array(old)), Value::Array(new)) if name == "required" => {
                    let known = old.clone();
                    old.extend(new.into_iter().filter(|name| !known.contains(name)));
                }
                (Some(_), _) => {}
                (None, value) => {
                    map.insert(name, value);
                }
            }
        }
    }
}

/// Whether an object of this schema has no members to say anything about: the vendor refuses such
/// arguments, and takes a function without any.
pub(super) fn is_empty_object(schema: &Value) -> bool {
    let is_plain = |name: &str| {
        matches!(
            name,
            "type" | "properties" | "required" | "additionalProperties" | "$schema" | "title"
        )
    };
    let says_nothing = |value: Option<&Value>| match value {
        None | Some(Value::Null | Value::Bool(_)) => true,
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(values)) => values.is_empty(),
        Some(_) => false,
    };
    schema.as_object().is_some_and(|map| {
        map.keys().all(|name| is_plain(name))
            && map.get("type").is_none_or(|kind| kind == "object")
            && says_nothing(map.get("properties"))
            && map.get("additionalProperties") != Some(&Value::Bool(true))
    })
}

/// The older subset as JSON Schema: types in lower case, `nullable` as a type.
pub(super) fn from_subset(schema: Value) -> Value {
    rewrite(schema, &|map| {
        let nullable = map.get("nullable") == Some(&Value::Bool(true));
        if let Some(kind) = map.get("type").and_then(Value::as_str) {
            let kind = kind.to_ascii_lowercase();
            let kind = if nullable {
                map.shift_remove("nullable");
                json!([kind, "null"])
            } else {
                kind.into()
            };
            map["type"] = kind;
        }
    })
}

/// The way back of [`from_subset`].
pub(super) fn to_subset(schema: Value) -> Value {
    rewrite(schema, &|map| {
        let types: Vec<_> = match map.get("type") {
            Some(Value::String(kind)) => vec![kind.to_ascii_uppercase()],
            Some(Value::Array(kinds)) => {
                let kinds = kinds.iter().filter_map(Value::as_str);
                kinds.map(str::to_ascii_uppercase).collect()
            }
            _ => return,
        };
        if let Some(kind) = types.iter().find(|kind| *kind != "NULL") {
            map.insert("type".to_owned(), kind.clone().into());
            if types.iter().any(|kind| kind == "NULL") {
                map.insert("nullable".to_owned(), true.into());
            }
        }
    })
}

/// Changes a schema and all below it.
fn rewrite(schema: Value, change: &impl Fn(&mut Map<String, Value>)) -> Value {
    let Value::Object(mut map) = schema else {
        return schema;
    };
    change(&mut map);
    for (name, value) in &mut map {
        match (name.as_str(), std::mem::take(value)) {
            ("properties", Value::Object(members)) => {
                let members = members.into_iter();
                let members = members.map(|(name, schema)| (name, rewrite(schema, change)));
                *value = Value::Object(members.collect());
            }
            ("anyOf" | "prefixItems", Value::Array(schemas)) => {
                let schemas = schemas.into_iter();
                *value = schemas.map(|schema| rewrite(schema, change)).collect();
            }
            ("items", schema) => *value = rewrite(schema, change),
            (_, other) => *value = other,
        }
    }
    Value::Object(map)
}

/// What the vendor reads of a JSON Schema, beside what holds schemas itself.
const KEPT: &[&str] = &[
    "$id",
    "$anchor",
    "type",
    "format",
    "description",
    "enum",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "additionalProperties",
    "required",
    "propertyOrdering",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_vendor_refuses_is_left_out_or_said_otherwise() {
        let schema = json!({
            "$schema": "x", "title": "T", "type": "object", "strict": true,
            "properties": {
                "title": {"const": "a", "title": "t"},
                "n": {"type": "integer", "exclusiveMinimum": 0, "minimum": 1},
                "any": true,
                "pair": {"type": "array", "items": [{"type": "string"}]},
                "base": {"allOf": [
                    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {}}, "required": ["a", "b"]}
                ]},
            },
            "$defs": {"d": {"type": "string", "examples": ["x"]}},
            "additionalProperties": false,
            "required": ["n"],
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "title": {"enum": ["a"]},
                "n": {"type": "integer", "minimum": 1},
                "any": {},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}]},
                "base": {
                    "type": "object",
                    "properties": {"a": {"type": "string"}, "b": {}},
                    "required": ["a", "b"]
                },
            },
            "$defs": {"d": {"type": "string"}},
            "additionalProperties": false,
            "required": ["n"],
        });
        assert_eq!(accepted(&schema), expected);
        assert_eq!(accepted(&expected), expected);
    }

    #[test]
    fn definitions_of_older_drafts_are_found() {
        let schema = json!({
            "definitions": {"a": {"type": "string", "const": "x"}},
            "properties": {"definitions": {"$ref": "#/definitions/a"}},
        });
        let expected = json!({
            "$defs": {"a": {"type": "string", "enum": ["x"]}},
            "properties": {"definitions": {"$ref": "#/$defs/a"}},
        });
        assert_eq!(accepted(&schema), expected);
    }

    #[test]
    fn the_older_subset_comes_back() {
        let subset = json!({
            "type": "OBJECT",
            "properties": {"type": {"type": "STRING", "nullable": true}},
            "propertyOrdering": ["type"],
        });
        let schema = from_subset(subset.clone());
        assert_eq!(
            schema["properties"]["type"]["type"],
            json!(["string", "null"])
        );
        assert_eq!(to_subset(schema), subset);
    }

    #[test]
    fn an_object_without_members_is_empty() {
        for empty in [
            json!({"type": "object"}),
            json!({"type": "object", "properties": {}, "additionalProperties": false}),
        ] {
            assert!(is_empty_object(&empty), "{empty}");
        }
        for full in [
            json!({"type": "object", "properties": {"a": {}}}),
            json!({"type": "object", "additionalProperties": true}),
            json!({"$ref": "#/$defs/a"}),
            json!({"type": "string"}),
        ] {
            assert!(!is_empty_object(&full), "{full}");
        }
    }
}
