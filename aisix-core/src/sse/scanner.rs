use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;

use bytes::{Bytes, BytesMut};

use super::event::Event;
use crate::error::Error;

/// How long one event may be, unless [`Scanner::with_limit`] says otherwise: 16 MiB, which leaves
/// room for an image inside an event.
pub const DEFAULT_LIMIT: usize = 16 * 1024 * 1024;

/// Finds the ends of events in bytes that come in any split.
///
/// Each byte is looked at once to find the ends, whatever the split; an event that came in one
/// piece is not copied. Blank lines before an event belong to it, so that the events and the rest
/// together are all bytes of the stream but a byte order mark at its start.
pub struct Scanner {
    /// What is being looked at; no byte of it has been seen.
    chunk: Bytes,
    waiting: VecDeque<Bytes>,
    /// The start of an event that began in an earlier piece.
    begun: BytesMut,
    state: State,
    at_start: bool,
    limit: usize,
    failed: bool,
}

/// An event is longer than the scanner's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    limit: usize,
}

/// What came just before the next byte.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing of the event, or only blank lines.
    Blank,
    /// A byte inside a line.
    Line,
    /// The line feed that ended a line.
    LineFeed,
    /// A carriage return that ended a line; a line feed may still belong to it.
    Return,
    /// A carriage return that is the blank line after a line feed; the same holds.
    BlankReturn,
}

// === impl Scanner ===

impl Scanner {
    /// Makes a scanner that stands at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            chunk: Bytes::new(),
            waiting: VecDeque::new(),
            begun: BytesMut::new(),
            state: State::Blank,
            at_start: true,
            limit: DEFAULT_LIMIT,
            failed: false,
        }
    }

    /// Allows events of up to `limit` bytes, with their blank line.
    #[must_use]
    pub const fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Takes the next piece of the stream.
    pub fn push(&mut self, bytes: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = bytes;
        } else {
            self.waiting.push_back(bytes);
        }
    }

    /// The next event that has come in whole.
    ///
    /// # Errors
    ///
    /// Fails, now and ever after, when an event exceeds the limit, whether or not its end is in.
    pub fn next_event(&mut self) -> Result<Option<Event>, TooLong> {
        loop {
            if self.failed {
                return Err(TooLong { limit: self.limit });
            }
            let end = self.state.advance(&self.chunk);
            let taken = end.unwrap_or(self.chunk.len());
            if self.begun.len() + taken > self.limit {
                self.fail();
                continue;
            }
            if end.is_some() {
                let raw = self.take(taken);
                return Ok(Some(Event::new(raw)));
            }
            self.begun.extend_from_slice(&self.chunk);
            match self.waiting.pop_front() {
                Some(next) => self.chunk = next,
                None => {
                    self.chunk = Bytes::new();
                    return Ok(None);
                }
            }
        }
    }

    /// What is left when the stream is over: an event that was cut, or pieces that
    /// [`next_event`](Self::next_event) has not been asked for. `None` when the stream ended
    /// between two events.
    #[must_use]
    pub fn finish(mut self) -> Option<Bytes> {
        if self.failed {
            return None;
        }
        let queued = std::iter::once(&self.chunk).chain(&self.waiting);
        for piece in queued {
            self.begun.extend_from_slice(piece);
        }
        self.chunk = Bytes::new();
        let rest = self.take(0);
        let is_blank = rest.iter().all(|byte| matches!(byte, b'\n' | b'\r'));
        (!is_blank).then_some(rest)
    }

    /// Takes what has begun and `len` bytes more.
    fn take(&mut self, len: usize) -> Bytes {
        let more = self.chunk.split_to(len);
        let mut raw = if self.begun.is_empty() {
            more
        } else {
            self.begun.extend_from_slice(&more);
            self.begun.split().freeze()
        };
        if std::mem::take(&mut self.at_start) && raw.starts_with(BYTE_ORDER_MARK) {
            raw = raw.slice(BYTE_ORDER_MARK.len()..);
        }
        raw
    }

    #[cold]
    fn fail(&mut self) {
        self.failed = true;
        self.chunk = Bytes::new();
        self.waiting = VecDeque::new();
        self.begun = BytesMut::new();
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

/// Says how much it holds, never what: the content is the caller's own.
impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("begun", &self.begun.len())
            .field("unread", &self.chunk.len())
            .field("state", &self.state)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

// === impl State ===

impl State {
    /// Looks at `bytes` up to the end of an event, and says where that is.
    ///
    /// A carriage return ends a line at once, but when it is the blank line of an event whose
    /// lines end otherwise, the line feed behind it is waited for: else the end of the event
    /// would depend on the split.
    fn advance(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            *self = match (*self, byte) {
                (Self::Line, _) => match memchr::memchr2(b'\n', b'\r', &bytes[at..]) {
                    None => return None,
                    Some(more) => {
                        at += more;
                        Self::after_line(bytes[at])
                    }
                },
                (Self::LineFeed | Self::BlankReturn, b'\n') | (Self::Return, b'\r') => {
                    *self = Self::Blank;
                    return Some(at + 1);
                }
                (Self::BlankReturn, _) => {
                    *self = Self::Blank;
                    return Some(at);
                }
                (Self::Blank, b'\n' | b'\r') => Self::Blank,
                (Self::LineFeed, b'\r') => Self::BlankReturn,
                (Self::Return, b'\n') => Self::LineFeed,
                (Self::Blank | Self::LineFeed | Self::Return, _) => Self::Line,
            };
            at += 1;
        }
        None
    }

    const fn after_line(byte: u8) -> Self {
        if byte == b'\n' {
            Self::LineFeed
        } else {
            Self::Return
        }
    }
}

// === impl TooLong ===

impl TooLong {
    /// The limit that was exceeded, in bytes.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an event exceeds {} bytes", self.limit)
    }
}

impl StdError for TooLong {}

/// The upstream's stream cannot be understood: 502.
impl From<TooLong> for Error {
    fn from(error: TooLong) -> Self {
        Self::upstream_decode(error.to_string()).with_source(error)
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
