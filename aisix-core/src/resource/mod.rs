//! What an operator writes: plain serde types, one file a kind.
//!
//! A [`Row`] is one document as a source delivers it, still JSON. [`read`] turns it into its typed
//! form and says where it is wrong, by JSON pointer. A field that nobody knows is no error: it is
//! listed, so that a misspelt name shows, and an older gateway accepts what a newer one stored.
//!
//! ```
//! use aisix_core::resource::{self, Model};
//!
//! let row = serde_json::json!({
//!     "display_name": "gpt-4o", "provider": "openai", "model_name": "gpt-4o", "colour": "red",
//! });
//! let read = resource::read::<Model>(&row).unwrap();
//! assert_eq!(read.resource.display_name, "gpt-4o");
//! assert_eq!(read.unknown, ["/colour"]);
//!
//! let error = resource::read::<Model>(&serde_json::json!({"display_name": 7})).unwrap_err();
//! assert_eq!(error.pointer(), "/display_name");
//! ```

mod api_key;
mod cache_policy;
mod cidr;
mod environment;
mod guardrail;
mod id;
mod key_hash;
mod kind;
mod model;
mod provider_key;
mod rate_limit;
mod read;
mod reader;
mod request_options;
mod revision;
mod routing;
mod row;
#[cfg(feature = "schema")]
mod schema;
mod secret;
mod text;

pub use self::api_key::ApiKey;
pub use self::cache_policy::{AppliesTo, CachePolicy, CacheScope};
pub use self::cidr::{Cidr, InvalidCidr};
#[cfg(feature = "file")]
pub(crate) use self::environment::escape;
pub use self::environment::{Environment, Unresolved};
pub use self::guardrail::{
    CustomPattern, Detector, EnforcementMode, Guardrail, GuardrailKind, HookPoint, Pattern,
    PatternKind, PiiAction,
};
pub use self::id::{Id, InvalidId};
pub use self::key_hash::{InvalidKeyHash, KeyHash};
pub use self::kind::{Kind, UnknownKind};
pub use self::model::{Cooldown, Cost, Model};
pub use self::provider_key::{ProviderKey, ProviderTls};
pub use self::rate_limit::RateLimit;
pub use self::read::{Invalid, Read, Resource, check, read};
pub use self::request_options::RequestOptions;
pub use self::revision::Revision;
pub use self::routing::{Routing, RoutingTarget, Strategy};
pub use self::row::{Change, Row};
#[cfg(feature = "schema")]
pub use self::schema::schema;
pub use self::secret::Secret;

#[cfg(test)]
mod tests;
