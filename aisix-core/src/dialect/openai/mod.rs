//! OpenAI's wire formats: chat completions, responses, legacy completions and embeddings, and the
//! list of models.
//!
//! Written from the OpenAPI document of 2026-08 (`openai-openapi` f85dbe2), the official SDKs of
//! November 2026 (Python 3.54, Node 6.49) and recorded traffic of OpenAI, Azure, DeepSeek, Groq,
//! Mistral and others that speak the same format with differences of their own.
//!
//! [`Chat`], [`Responses`], [`Completions`] and [`Embeddings`] are the dialects; [`models`] writes
//! the answers of `/v1/models`.

mod chat;
mod citation;
mod completions;
mod embeddings;
mod error;
mod fault;
pub mod models;
mod responses;
mod scan;
mod usage;
mod words;

pub use self::chat::Chat;
pub use self::completions::Completions;
pub use self::embeddings::Embeddings;
pub(in crate::dialect) use self::error::{decode, excerpt, retry_advice, undecodable};
pub use self::responses::Responses;

/// The vendors of the recorded traffic that speak these formats.
#[cfg(test)]
const OPENAI_VENDORS: &[&str] = &["openai", "deepseek", "openai-compatible"];
