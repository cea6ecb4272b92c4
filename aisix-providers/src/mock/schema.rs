//! Documents that are valid by a JSON Schema.

use serde_json::{Map, Value};

/// The plainest value that `schema` allows; the same one each time.
///
/// Callers write schemas, and few bytes of one can ask for a document of any size: what is larger
/// than [`LARGEST`] is filled with `null` from there on.
pub(super) fn instance(schema: &Value) -> Value {
    let mut builder = Builder {
        root: schema,
        left: LARGEST,
    };
    builder.build(schema, 0)
}

struct Builder<'a> {
    root: &'a Value,
    /// How much the document may still grow, in bytes or so.
    left: usize,
}

impl<'a> Builder<'a> {
    fn build(&mut self, schema: &'a Value, depth: u32) -> Value {
        if depth > DEEPEST || !self.spend(NODE) {
            return Value::Null;
        }
        if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = pointer.strip_prefix('#');
            let target = pointer.and_then(|pointer| self.root.pointer(pointer));
            return target.map_or(Value::Null, |target| self.build(target, depth + 1));
        }
        let fixed = ["const", "default"].iter().find_map(|key| schema.get(*key));
        let listed = || schema.get("enum").and_then(|values| values.get(0));
        if let Some(value) = fixed.or_else(listed) {
            return match self.spend(weight(value)) {
                true => value.clone(),
                false => Value::Null,
            };
        }
        let first = |key: &&str| schema.get(*key).and_then(|options| options.get(0));
        if let Some(option) = ["anyOf", "oneOf", "allOf"].iter().find_map(first) {
            return self.build(option, depth + 1);
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
            kind => kind.and_then(Value::as_str),
        };
        let minimum = schema.get("minimum");
        match kind {
            Some("string") => "mock".into(),
            Some("integer") => minimum.and_then(Value::as_i64).unwrap_or(1).into(),
            Some("number") => minimum.and_then(Value::as_f64).unwrap_or(1.5).into(),
            Some("boolean") => true.into(),
            Some("null") => Value::Null,
            Some("array") => self.array(schema, depth),
            _ => self.object(schema, depth),
        }
    }

    fn array(&mut self, schema: &'a Value, depth: u32) -> Value {
        let count = schema.get("minItems").and_then(Value::as_u64);
        let items = schema.get("items");
        (0..count.unwrap_or(1).min(LONGEST))
            .map(|_| items.map_or(Value::Null, |items| self.build(items, depth + 1)))
            .collect()
    }

    fn object(&mut self, schema: &'a Value, depth: u32) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut object = Map::new();
        for (name, of) in properties.into_iter().flatten() {
            if !self.spend(name.len()) {
                break;
            }
            object.insert(name.clone(), self.build(of, depth + 1));
        }
        Value::Object(object)
    }

    /// Whether there was that much left.
    fn spend(&mut self, amount: usize) -> bool {
        let left = self.left.checked_sub(amount);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

fn weight(value: &Value) -> usize {
    NODE + match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(key, of)| key.len() + weight(of)).sum(),
        _ => 0,
    }
}

const NODE: usize = 8;
const LARGEST: usize = 1 << 20;
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

    #[test]
    fn a_small_schema_makes_no_large_document() {
        let mut nested = json!({"type": "string"});
        for _ in 0..15 {
            nested = json!({"type": "array", "minItems": 16, "items": nested});
        }
        let text = "x".repeat(100_000);
        let item = json!({"type": "array", "minItems": 16, "items": {"$ref": "#/$defs/text"}});
        let copies = json!({
            "type": "array", "minItems": 16, "items": item, "$defs": {"text": {"const": text}},
        });
        let itself: Map<_, _> = (0..50)
            .map(|n| (format!("p{n}"), json!({"$ref": "#"})))
            .collect();
        for schema in [nested, copies, json!({"properties": itself})] {
            let size = instance(&schema).to_string().len();
            assert!(size < 4 << 20, "{size}");
        }
    }
}
