//! JSON without a tree: what every request needs from its body in one pass, and edits in place.
//!
//! A gateway that passes bytes through has no use for a parsed document. It must know that a body
//! is valid JSON, read a handful of members ([`Head`]), and replace one or two of them
//! ([`splice`]); all other bytes go on as they came. Nothing here recurses or allocates for
//! nesting, so a hostile body costs no more than its length.
//!
//! ```
//! use aisix_core::json::{Head, splice};
//! use bytes::Bytes;
//!
//! let body = Bytes::from_static(br#"{"model":"fast","stream":true,"messages":[{"x":1}]}"#);
//! let head = Head::scan(&body)?;
//! assert_eq!((head.model(), head.stream()), (Some("fast"), true));
//!
//! let sent = splice(&body, &mut [head.edit_model("gpt-4o")]).into_bytes();
//! assert_eq!(&sent[..], br#"{"model":"gpt-4o","stream":true,"messages":[{"x":1}]}"#);
//! # Ok::<_, aisix_core::error::Error>(())
//! ```
//!
//! # What counts as valid
//!
//! RFC 8259 in UTF-8, without a byte order mark, at most [`MAX_DEPTH`] levels deep. The grammar of
//! the RFC lets an escaped half of a surrogate pair stand alone; [`validate`] and [`Head::scan`]
//! refuse it, because a request that holds one cannot be translated for another vendor.
//! [`members`] and [`Cursor`] let it pass: some vendors cut an emoji in two between two chunks of a stream.

mod block;
mod cursor;
mod error;
mod head;
mod lexer;
mod members;
mod raw;
mod segments;
mod splice;
mod string;
#[cfg(test)]
mod tests;

pub use cursor::Cursor;
pub use error::SyntaxError;
pub use head::{Field, Head, Presence};
pub use lexer::{MAX_DEPTH, validate};
pub use members::{Elements, Member, Members, members};
pub use raw::Raw;
pub use segments::Segments;
pub use splice::{Edit, splice};
pub use string::write_string;
