//! Whether a schema is one that OpenAI's strict mode takes.

use serde_json::{Map, Value};

/// Anthropic holds every answer to its schema; OpenAI does only for schemas whose objects require
/// all that they name and nothing else.
pub(super) fn fits_openai(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => is_closed(map) && map.values().all(fits_openai),
        Value::Array(values) => values.iter().all(fits_openai),
        _ => true,
    }
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    if schema.get("type").is_none_or(|kind| kind != "object") {
        return true;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    schema.get("additionalProperties") == Some(&Value::Bool(false))
        && properties.into_iter().flatten().all(|(name, _)| {
            required.is_some_and(|required| required.iter().any(|each| each == name))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_optional_property_is_too_much() {
        let object = |required: Value| {
            json!({"type": "object", "properties": {"a": {"type": "string"}},
                "required": required, "additionalProperties": false})
        };
        assert!(fits_openai(&object(json!(["a"]))));
        assert!(!fits_openai(&object(json!([]))));
        assert!(!fits_openai(
            &json!({"type": "array", "items": object(json!([]))})
        ));
        assert!(!fits_openai(&json!({"type": "object", "properties": {}})));
    }
}
