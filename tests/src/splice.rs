//! "The same bytes but for `model`", worked out a second time and in another way than the gateway
//! does it: a byte walk with a depth count.

use std::ops::Range;

/// Where the value of the top-level member `name` stands in a JSON object, without its blanks.
pub fn top_level(json: &[u8], name: &str) -> Option<Range<usize>> {
    let (mut depth, mut at, mut key) = (0usize, 0, None::<Range<usize>>);
    while at < json.len() {
        match json[at] {
            b'"' => {
                let end = string_end(json, at)?;
                let next = skip_blanks(json, end);
                if depth == 1 && json.get(next) == Some(&b':') {
                    key = Some(at + 1..end - 1);
                    at = next;
                } else {
                    at = end - 1;
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
        if key
            .take()
            .is_some_and(|span| &json[span] == name.as_bytes())
        {
            let start = skip_blanks(json, at);
            return Some(start..value_end(json, start)?);
        }
    }
    None
}

/// `json` with the top-level `model`, where there is one, called `model`.
pub fn with_model(json: &[u8], model: &str) -> Vec<u8> {
    match top_level(json, "model") {
        Some(span) => {
            let mut out = json[..span.start].to_vec();
            out.extend_from_slice(serde_json::Value::from(model).to_string().as_bytes());
            out.extend_from_slice(&json[span.end..]);
            out
        }
        None => json.to_vec(),
    }
}

/// An event stream with `model` replaced in the data of each event.
pub fn stream_with_model(stream: &[u8], model: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(stream.len());
    for line in stream.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"data: ") {
            Some(data) if data.starts_with(b"{") => {
                out.extend_from_slice(b"data: ");
                out.extend_from_slice(&with_model(data, model));
            }
            _ => out.extend_from_slice(line),
        }
    }
    out
}

/// The `data` of each event of a stream, `[DONE]` and comments left out.
pub fn events(stream: &[u8]) -> Vec<serde_json::Value> {
    stream
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"data:"))
        .map(|data| data.trim_ascii())
        .filter(|data| *data != b"[DONE]")
        .map(|data| {
            serde_json::from_slice(data).unwrap_or_else(|error| {
                panic!("{error} in event data {}", String::from_utf8_lossy(data))
            })
        })
        .collect()
}

/// Takes the `stream_options` that a gateway adds out of a request, with the comma beside it.
/// The bytes come back unchanged if there is none.
pub fn without_added_stream_options(json: &[u8]) -> Vec<u8> {
    let Some(span) = top_level(json, "stream_options") else {
        return json.to_vec();
    };
    let key = json[..span.start]
        .windows(br#""stream_options""#.len())
        .rposition(|window| window == br#""stream_options""#)
        .expect("the member has its key in front of it");
    let mut range = key..span.end;
    if json.get(range.end) == Some(&b',') {
        range.end += 1;
    } else if range.start > 0 && json[range.start - 1] == b',' {
        range.start -= 1;
    }
    let mut out = json[..range.start].to_vec();
    out.extend_from_slice(&json[range.end..]);
    out
}

fn skip_blanks(json: &[u8], mut at: usize) -> usize {
    while json.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The byte after the closing quote of the string that opens at `start`.
fn string_end(json: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    while at < json.len() {
        match json[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn value_end(json: &[u8], start: usize) -> Option<usize> {
    match *json.get(start)? {
        b'"' => string_end(json, start),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0usize, start);
            loop {
                match *json.get(at)? {
                    b'"' => at = string_end(json, at)? - 1,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let rest = &json[start..];
            let len = rest
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace())
                .unwrap_or(rest.len());
            Some(start + len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_only_the_top_level_model() {
        let json = br#"{ "a": {"model": 1}, "x": "\"model\": 2", "model" : "m", "b": ["model"] }"#;
        let want = br#"{ "a": {"model": 1}, "x": "\"model\": 2", "model" : "n", "b": ["model"] }"#;
        assert_eq!(with_model(json, "n"), want);
    }

    #[test]
    fn finds_a_number_and_an_object() {
        let json = br#"{"n":12,"o":{"a":"}"},"z":null}"#;
        assert_eq!(&json[top_level(json, "n").unwrap()], b"12");
        assert_eq!(&json[top_level(json, "o").unwrap()], br#"{"a":"}"}"#);
        assert_eq!(&json[top_level(json, "z").unwrap()], b"null");
        assert_eq!(top_level(json, "q"), None);
    }

    #[test]
    fn takes_added_stream_options_out_again() {
        let first = br#"{"stream_options":{"include_usage":true},"a":1}"#;
        let last = br#"{"a":1,"stream_options":{"include_usage":true}}"#;
        assert_eq!(without_added_stream_options(first), br#"{"a":1}"#);
        assert_eq!(without_added_stream_options(last), br#"{"a":1}"#);
    }
}
