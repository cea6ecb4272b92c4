use bytes::{BufMut, BytesMut};

/// The event by which OpenAI ends a stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// A comment that keeps a silent connection open.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// Writes one event; `data` gets a `data` field a line.
///
/// Of a name that holds a line end, only what stands before it is written.
///
/// ```
/// use aisix_core::sse::write_event;
/// use bytes::BytesMut;
///
/// let mut out = BytesMut::new();
/// write_event(&mut out, Some("error"), b"a\nb");
/// assert_eq!(&out[..], b"event: error\ndata: a\ndata: b\n\n");
/// ```
pub fn write_event(out: &mut BytesMut, name: Option<&str>, data: &[u8]) {
    out.reserve(data.len() + 32);
    if let Some(name) = name.and_then(|name| name.split(['\n', '\r']).next()) {
        write_line(out, b"event: ", name.as_bytes());
    }
    let mut rest = data;
    loop {
        let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
            write_line(out, b"data: ", rest);
            break;
        };
        write_line(out, b"data: ", &rest[..end]);
        let is_pair = rest[end..].starts_with(b"\r\n");
        rest = &rest[end + 1 + usize::from(is_pair)..];
    }
    out.put_u8(b'\n');
}

fn write_line(out: &mut BytesMut, field: &[u8], value: &[u8]) {
    out.put_slice(field);
    out.put_slice(value);
    out.put_u8(b'\n');
}
