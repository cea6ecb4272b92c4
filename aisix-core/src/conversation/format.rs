use serde_json::Value;

use super::Extra;

/// The form that the answer has to have.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ResponseFormat {
    /// Free text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that a schema describes.
    JsonSchema(JsonSchema),
    /// A form that only the wire format it came from knows.
    Opaque(Value),
}

/// A schema that the answer has to satisfy.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct JsonSchema {
    /// The name that the model sees.
    pub name: String,
    /// What the form is for.
    pub description: Option<String>,
    /// The schema, with its properties in the order of the request: models answer in that order.
    pub schema: Option<Value>,
    /// Whether the vendor has to hold the answer to the schema.
    pub strict: Option<bool>,
    /// What only one wire format says.
    pub extra: Extra,
}

impl JsonSchema {
    /// A named schema.
    #[must_use]
    pub fn new(name: impl Into<String>, schema: Value) -> Self {
        Self {
            name: name.into(),
            schema: Some(schema),
            ..Self::default()
        }
    }
}
