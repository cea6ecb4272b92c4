//! What an operator writes into a resources file.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::upstream::Upstream;

/// The plaintext of the caller key that [`Resources::over`] allows everything.
pub const KEY: &str = "sk-caller-0123456789abcdef";
/// The provider credential that [`Resources::over`] gives to the gateway.
pub const UPSTREAM_KEY: &str = "sk-upstream-fedcba9876543210";
/// The model that callers ask for in most tests.
pub const MODEL: &str = "team/gpt";
/// What the upstream calls it.
pub const UPSTREAM_MODEL: &str = "gpt-4o-2024-08-06";

/// A resources file in the making.
#[derive(Clone, Debug)]
pub struct Resources {
    provider_keys: Vec<Value>,
    models: Vec<Value>,
    api_keys: Vec<Value>,
}

impl Resources {
    /// A file with no resource.
    pub fn empty() -> Self {
        Self {
            provider_keys: Vec::new(),
            models: Vec::new(),
            api_keys: Vec::new(),
        }
    }

    /// One model, [`MODEL`], on `upstream`, and one key, [`KEY`], that may do anything.
    pub fn over(upstream: &Upstream) -> Self {
        Self::empty()
            .provider_key("up", "openai", &upstream.api_base())
            .model(MODEL, "up", UPSTREAM_MODEL)
            .api_key(KEY, &["*"], json!({}))
    }

    /// A provider key whose id is `id`.
    pub fn provider_key(self, id: &str, provider: &str, api_base: &str) -> Self {
        self.provider_key_row(json!({
            "id": id,
            "display_name": id,
            "provider": provider,
            "api_key": UPSTREAM_KEY,
            "api_base": api_base,
        }))
    }

    /// A provider key as given.
    pub fn provider_key_row(mut self, row: Value) -> Self {
        self.provider_keys.push(row);
        self
    }

    /// A model that is `upstream_name` at the provider key `provider_key`.
    pub fn model(self, name: &str, provider_key: &str, upstream_name: &str) -> Self {
        self.model_with(name, provider_key, upstream_name, json!({}))
    }

    /// A model with more fields.
    pub fn model_with(
        mut self,
        name: &str,
        provider_key: &str,
        upstream_name: &str,
        more: Value,
    ) -> Self {
        let provider = self
            .provider_keys
            .iter()
            .find(|row| row["id"] == provider_key)
            .map_or(json!("openai"), |row| row["provider"].clone());
        let mut row = json!({
            "display_name": name,
            "provider": provider,
            "model_name": upstream_name,
            "provider_key_id": provider_key,
        });
        merge(&mut row, more);
        self.models.push(row);
        self
    }

    /// A caller key that may use `models`, with more fields such as `rate_limit`.
    pub fn api_key(mut self, plaintext: &str, models: &[&str], more: Value) -> Self {
        let mut row = json!({
            "id": format!("key-{}", self.api_keys.len()),
            "display_name": format!("key {}", self.api_keys.len()),
            "key_hash": key_hash(plaintext),
            "allowed_models": models,
        });
        merge(&mut row, more);
        self.api_keys.push(row);
        self
    }

    /// The file's content.
    pub fn to_value(&self) -> Value {
        json!({
            "_format_version": "1",
            "provider_keys": self.provider_keys,
            "models": self.models,
            "api_keys": self.api_keys,
        })
    }
}

/// The SHA-256 of a key in lower-case hex.
pub fn key_hash(plaintext: &str) -> String {
    Sha256::digest(plaintext.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Lays `patch` over `value`: objects are merged, the rest is replaced.
pub fn merge(value: &mut Value, patch: Value) {
    match (value, patch) {
        (Value::Object(value), Value::Object(patch)) => {
            for (key, patch) in patch {
                merge(value.entry(key).or_insert(Value::Null), patch);
            }
        }
        (value, patch) => *value = patch,
    }
}
