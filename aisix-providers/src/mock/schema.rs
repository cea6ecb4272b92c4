//! Documents that are valid by a JSON Schema.

use serde_json::{Map, Value};

/// The plainest value that `schema` allows; the same one each time.
pub(super) fn instance(schema: &Value) -> Value {
    build(schema, schema, 0)
}

fn build(schema: &Value, root: &Value, depth: u32) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let nested = |schema| build(schema, root, depth + 1);
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
        let target = pointer
            .strip_prefix('#')
            .and_then(|pointer| root.pointer(pointer));
        return target.map_or(Value::Null, nested);
    }
    for fixed in ["const", "default"] {
        if let Some(value) = schema.get(fixed) {
            return value.clone();
        }
    }
    if let Some(first) = schema.get("enum").and_then(|values| values.get(0)) {
        return first.clone();
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(choice).and_then(|options| options.get(0)) {
            return nested(first);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("string") => "mock".into(),
        Some("integer") => schema
            .get("minimum")
            .and_then(Value::as_i64)
            .unwrap_or(1)
            .into(),
        Some("number") => schema
            .get("minimum")
            .and_then(Value::as_f64)
            .unwrap_or(1.5)
            .into(),
        Some("boolean") => true.into(),
        Some("null") => Value::Null,
        Some("array") => {
            let count = schema
                .get("minItems")
                .and_then(Value::as_u64)
                .unwrap_or(1)
                .min(LONGEST);
            let item = schema.get("items").map_or(Value::Null, nested);
            (0..count).map(|_| item.clone()).collect()
        }
        _ => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let members = properties.into_iter().flatten();
            Value::Object(
                members
                    .map(|(name, of)| (name.clone(), nested(of)))
                    .collect::<Map<_, _>>(),
            )
        }
    }
}

const DEEPEST: u32 = 16;
const LONGEST: u64 = 16;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fills_what_a_schema_asks_for() {
        let schema = json!({
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "kind": {"enum": ["a", "b"]},
                "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
                "none": {"type": ["null", "string"]},
            },
            "$defs": {"item": {"type": "integer", "minimum": 7}},
        });
        let expected = json!({"name": "mock", "kind": "a", "items": [7], "none": null});
        assert_eq!(instance(&schema), expected);
    }

    #[test]
    fn ends_on_a_schema_that_holds_itself() {
        let schema = json!({"type": "object", "properties": {"self": {"$ref": "#"}}});
        assert!(instance(&schema).is_object());
    }
}
