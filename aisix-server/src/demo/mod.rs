//! The embedded default: what its first start writes into the store, and what each start prints.
//!
//! [`seed`] writes two models that need no provider account and a key that may use them; the
//! [`Notice`] shows that key, once, in a `curl` line to copy.

mod notice;
mod seed;

pub use notice::{Notice, base_url};
pub use seed::{CHAT_MODEL, EMBEDDING_MODEL, seed};
