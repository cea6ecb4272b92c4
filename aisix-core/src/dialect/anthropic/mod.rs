//! Anthropic's wire formats: messages, and the count of their tokens.
//!
//! Written from Anthropic's documentation and official SDKs of November 2026 (Python 2.12, TypeScript
//! 1.12), both API versions (`2023-06-01` and `2026-10-21`), and recorded traffic.
//!
//! [`Messages`] and [`CountTokens`] are the dialects. What a line of models takes and refuses is a
//! table of [`Capabilities`](super::Capabilities); what a model resource says goes before it.

mod cards;
mod count_tokens;
mod error;
mod messages;
mod models;
mod scan;
mod usage;

pub use self::cards::{write_model, write_models};
pub use self::count_tokens::CountTokens;
pub use self::messages::Messages;

/// Where Anthropic's SDKs look for the name of a request.
const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("request-id");

/// The origin of what stays beside the neutral model.
const ID: &str = super::ANTHROPIC_MESSAGES.as_str();
