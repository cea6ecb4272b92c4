use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body in one or a few pieces of memory, whose length is known.
///
/// It is an [`http_body::Body`] that yields the pieces in order; a clone shares their memory.
///
/// ```
/// use aisix_core::json::Segments;
/// use bytes::Bytes;
///
/// let body = Segments::from(vec![Bytes::from("a"), Bytes::from("b")]);
/// assert_eq!((body.len(), body.into_bytes()), (2, Bytes::from("ab")));
/// ```
#[derive(Clone, Default)]
pub struct Segments {
    /// Empty only when nothing is left.
    first: Bytes,
    /// None of them empty.
    rest: vec::IntoIter<Bytes>,
}

// === impl Segments ===

impl Segments {
    /// The bytes that are left, in all pieces together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().map(Bytes::len).sum()
    }

    /// Whether no byte is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The pieces, none of them empty.
    pub fn iter(&self) -> impl Iterator<Item = &Bytes> {
        let first = Some(&self.first).filter(|first| !first.is_empty());
        first.into_iter().chain(self.rest.as_slice())
    }

    /// All bytes in one buffer; no copy when there is one piece.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        if self.rest.as_slice().is_empty() {
            return self.first;
        }
        let mut out = Vec::with_capacity(self.len());
        for piece in self.iter() {
            out.extend_from_slice(piece);
        }
        Bytes::from(out)
    }

    fn pop(&mut self) -> Option<Bytes> {
        let next = self.rest.next().unwrap_or_default();
        Some(std::mem::replace(&mut self.first, next)).filter(|piece| !piece.is_empty())
    }
}

/// Says how long the pieces are, never what is in them: a body is the caller's own.
impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Segments")?;
        f.debug_list().entries(self.iter().map(Bytes::len)).finish()
    }
}

impl From<Bytes> for Segments {
    fn from(bytes: Bytes) -> Self {
        Self {
            first: bytes,
            rest: vec::IntoIter::default(),
        }
    }
}

impl From<Vec<u8>> for Segments {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Bytes::from(bytes))
    }
}

impl From<Vec<Bytes>> for Segments {
    fn from(mut pieces: Vec<Bytes>) -> Self {
        pieces.retain(|piece| !piece.is_empty());
        let mut rest = pieces.into_iter();
        Self {
            first: rest.next().unwrap_or_default(),
            rest,
        }
    }
}

impl Body for Segments {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.get_mut().pop().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}
