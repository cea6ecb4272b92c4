//! Server-sent events without I/O: finding events in bytes fed in any split, and writing them.
//!
//! An event that passes through is never rebuilt: [`Event::raw`] is a slice of the bytes that came
//! in, and the other accessors say where in it the fields stand.
//!
//! ```
//! use aisix_core::sse::Scanner;
//! use bytes::Bytes;
//!
//! let mut scanner = Scanner::new();
//! scanner.push(Bytes::from_static(b": hi\n\nevent: ping\ndata: {}\n\ndata: cut"));
//!
//! assert!(scanner.next_event()?.expect("a comment").is_comment());
//! let ping = scanner.next_event()?.expect("an event");
//! assert_eq!((ping.name(), ping.data().as_deref()), (Some(&b"ping"[..]), Some(&b"{}"[..])));
//! assert!(scanner.next_event()?.is_none());
//! assert_eq!(scanner.finish().as_deref(), Some(&b"data: cut"[..]));
//! # Ok::<_, aisix_core::sse::TooLong>(())
//! ```
//!
//! The format is that of the [HTML standard](https://html.spec.whatwg.org/multipage/server-sent-events.html).

mod event;
mod scanner;
#[cfg(test)]
mod tests;
mod writer;

pub use event::Event;
pub use scanner::{DEFAULT_LIMIT, Scanner, TooLong};
pub use writer::{DONE, KEEP_ALIVE, write_event};
