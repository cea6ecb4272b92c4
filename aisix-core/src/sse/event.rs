use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;

/// One event: a block of lines up to and with the blank line that ends it.
#[derive(Clone)]
pub struct Event {
    raw: Bytes,
    name: Option<Range<usize>>,
    data: Data,
    is_comment: bool,
}

#[derive(Clone, Debug)]
enum Data {
    None,
    Line(Range<usize>),
    Lines,
}

// === impl Event ===

impl Event {
    /// Finds the fields of a whole block.
    #[must_use]
    pub fn new(raw: Bytes) -> Self {
        let mut event = Self {
            raw: Bytes::new(),
            name: None,
            data: Data::None,
            is_comment: true,
        };
        for (field, value) in fields(&raw) {
            event.is_comment = false;
            match &raw[field] {
                b"data" => {
                    event.data = match event.data {
                        Data::None => Data::Line(value),
                        Data::Line(_) | Data::Lines => Data::Lines,
                    };
                }
                b"event" => event.name = Some(value),
                _ => {}
            }
        }
        Self { raw, ..event }
    }

    /// The whole block as it came, with its blank line.
    #[must_use]
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The whole block as it came.
    #[must_use]
    pub fn into_raw(self) -> Bytes {
        self.raw
    }

    /// The values of the `data` fields, joined by line feeds; borrowed when there is one.
    #[must_use]
    pub fn data(&self) -> Option<Cow<'_, [u8]>> {
        match &self.data {
            Data::None => None,
            Data::Line(span) => Some(Cow::Borrowed(&self.raw[span.clone()])),
            Data::Lines => Some(Cow::Owned(self.joined())),
        }
    }

    /// The same as [`data`](Self::data), sharing the memory of the event when there is one field.
    #[must_use]
    pub fn data_bytes(&self) -> Option<Bytes> {
        match &self.data {
            Data::None => None,
            Data::Line(span) => Some(self.raw.slice(span.clone())),
            Data::Lines => Some(Bytes::from(self.joined())),
        }
    }

    /// Where in [`raw`](Self::raw) the data stands, when there is exactly one `data` field.
    #[must_use]
    pub fn data_span(&self) -> Option<Range<usize>> {
        match &self.data {
            Data::Line(span) => Some(span.clone()),
            Data::None | Data::Lines => None,
        }
    }

    /// The value of the last `event` field.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.name.clone().map(|span| &self.raw[span])
    }

    /// Whether there is no field at all: comments only, such as a keep-alive.
    #[must_use]
    pub const fn is_comment(&self) -> bool {
        self.is_comment
    }

    fn joined(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.raw.len());
        for (field, value) in fields(&self.raw) {
            if &self.raw[field] == b"data" {
                out.extend_from_slice(&self.raw[value]);
                out.push(b'\n');
            }
        }
        out.pop();
        out
    }
}

/// Says how long it is, never what is in it: the content is the caller's own.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("len", &self.raw.len())
            .field("data", &self.data)
            .field("is_comment", &self.is_comment)
            .finish_non_exhaustive()
    }
}

/// The name and the value of each field; blank lines and comments are left out.
fn fields(block: &[u8]) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        loop {
            if start >= block.len() {
                return None;
            }
            let end = memchr::memchr2(b'\n', b'\r', &block[start..])
                .map_or(block.len(), |more| start + more);
            let field = field(block, start..end);
            start = end + 1;
            if field.is_some() {
                return field;
            }
        }
    })
}

fn field(block: &[u8], line: Range<usize>) -> Option<(Range<usize>, Range<usize>)> {
    let name_len = match &block[line.clone()] {
        [] | [b':', ..] => return None,
        // Spares the search on the one field that nearly every line is.
        [b'd', b'a', b't', b'a', b':', ..] => 4,
        bytes => memchr::memchr(b':', bytes).unwrap_or(bytes.len()),
    };
    let name_end = line.start + name_len;
    let value = match &block[name_end..line.end] {
        [b':', b' ', ..] => name_end + 2,
        [b':', ..] => name_end + 1,
        _ => name_end,
    };
    Some((line.start..name_end, value..line.end))
}
