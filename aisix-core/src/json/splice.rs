use std::ops::Range;

use bytes::Bytes;

use super::segments::Segments;

/// Replaces parts of `bytes`; what lies between them is kept byte for byte.
///
/// Edits may come in any order and are sorted; of two insertions at one place the earlier stays
/// first, and both go before what replaces the bytes there. A result of up to 4 KiB is one buffer;
/// a larger one shares the memory of `bytes`.
///
/// ```
/// use aisix_core::json::{Edit, splice};
/// use bytes::Bytes;
///
/// let body = Bytes::from_static(br#"{"n":1,"m":2}"#);
/// let edited = splice(&body, &mut [Edit::new(11..12, "3"), Edit::new(1..1, r#""a":0,"#)]);
/// assert_eq!(&edited.into_bytes()[..], br#"{"a":0,"n":1,"m":3}"#);
/// ```
///
/// # Panics
///
/// Panics when spans overlap or do not lie inside `bytes`: they were made for another body.
#[must_use]
#[track_caller]
pub fn splice(bytes: &Bytes, edits: &mut [Edit]) -> Segments {
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut kept = 0;
    let mut len = bytes.len();
    for Edit { span, with } in &*edits {
        assert!(
            kept <= span.start && span.start <= span.end && span.end <= bytes.len(),
            "edits must not overlap and must lie inside the bytes"
        );
        kept = span.end;
        len = len - span.len() + with.len();
    }
    if edits.is_empty() {
        Segments::from(bytes.clone())
    } else if len <= MAX_COPIED {
        copied(bytes, edits, len)
    } else {
        shared(bytes, edits)
    }
}

/// What to put in place of a span; an empty span is an insertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    span: Range<usize>,
    with: Bytes,
}

// === impl Edit ===

impl Edit {
    /// Puts `with` in place of `span`.
    #[must_use]
    pub fn new(span: Range<usize>, with: impl Into<Bytes>) -> Self {
        Self {
            span,
            with: with.into(),
        }
    }

    /// What is replaced.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What it is replaced with.
    #[must_use]
    pub const fn with(&self) -> &Bytes {
        &self.with
    }
}

fn copied(bytes: &[u8], edits: &[Edit], len: usize) -> Segments {
    let mut out = Vec::with_capacity(len);
    let mut from = 0;
    for Edit { span, with } in edits {
        out.extend_from_slice(&bytes[from..span.start]);
        out.extend_from_slice(with);
        from = span.end;
    }
    out.extend_from_slice(&bytes[from..]);
    Segments::from(Bytes::from(out))
}

fn shared(bytes: &Bytes, edits: &[Edit]) -> Segments {
    let mut parts = Vec::with_capacity(2 * edits.len() + 1);
    let mut from = 0;
    for Edit { span, with } in edits {
        parts.push(bytes.slice(from..span.start));
        parts.push(with.clone());
        from = span.end;
    }
    parts.push(bytes.slice(from..));
    Segments::from(parts)
}

/// Up to here a copy costs less than the frames and reference counts that it saves.
const MAX_COPIED: usize = 4 * 1024;
