//! Gemini's wire formats: `generateContent`, `batchEmbedContents` and `countTokens`.
//!
//! Written from the types of the official SDK (`google-genai` 3.4.0 for Python, November 2026), the
//! reference at <https://ai.google.dev/api> and recorded traffic of the Developer API and of Vertex.
//!
//! [`Generate`], [`Embed`] and [`CountTokens`] are the dialects. The model is named in the URL, not
//! in the body, so that a request that was read has no model unless it says one in spite of that.
//! Members are written in camel case; snake case, which the vendor accepts too, is understood.

mod count_tokens;
mod embed;
mod error;
mod generate;
mod models;
mod scan;
mod usage;

pub use self::count_tokens::CountTokens;
pub use self::embed::Embed;
pub use self::generate::Generate;
