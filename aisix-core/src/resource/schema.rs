use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::{ApiKey, CachePolicy, Guardrail, Kind, Model, ProviderKey};

/// The JSON Schema (draft 2020-12) of a kind, generated from its type, with no reference to
/// anything outside.
///
/// ```
/// use aisix_core::resource::{self, Kind};
///
/// let schema = resource::schema(Kind::Models);
/// assert_eq!(schema["required"], serde_json::json!(["display_name"]));
/// ```
#[must_use]
pub fn schema(kind: Kind) -> Value {
    match kind {
        Kind::ProviderKeys => of::<ProviderKey>(),
        Kind::Models => of::<Model>(),
        Kind::ApiKeys => of::<ApiKey>(),
        Kind::Guardrails => of::<Guardrail>(),
        Kind::CachePolicies => of::<CachePolicy>(),
    }
}

fn of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}
