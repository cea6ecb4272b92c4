use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{any_object, any_value, to_text};
use crate::error::Error;
use crate::json::{Cursor, MAX_DEPTH, SyntaxError, members, validate, write_string};

fn reason(text: &[u8]) -> (usize, &'static str) {
    let error = validate(text).unwrap_err();
    (error.offset(), error.reason())
}

fn walk(text: &[u8]) -> Result<usize, SyntaxError> {
    members(text)?.try_fold(0, |count, member| member.map(|_| count + 1))
}

/// Walks into the outer three levels and steps over what is deeper; says how many values it met.
fn descend(text: &[u8]) -> Result<usize, SyntaxError> {
    fn into(cursor: &mut Cursor<'_>, levels: usize, met: &mut usize) -> Result<(), SyntaxError> {
        *met += 1;
        if levels == 0 {
            return Ok(());
        }
        // Of the two, the one that does not fit would step over the value.
        if cursor.is_array() {
            cursor.elements(|element| into(element, levels - 1, met))
        } else {
            cursor.members(|_, value| into(value, levels - 1, met))
        }
    }
    let (mut cursor, mut met) = (Cursor::new(text)?, 0);
    into(&mut cursor, 3, &mut met)?;
    cursor.end()?;
    Ok(met)
}

fn reason_of(result: Result<(), SyntaxError>) -> Option<&'static str> {
    result.err().map(|error| error.reason())
}

/// What `serde_json` thinks; `None` for a number that it cannot hold, of which the grammar says
/// nothing.
fn oracle(text: &[u8]) -> Option<bool> {
    match serde_json::from_slice::<Value>(text) {
        Ok(_) => Some(true),
        Err(error) if error.to_string().contains("out of range") => None,
        Err(_) => Some(false),
    }
}

fn assert_agrees(text: &[u8]) {
    if let Some(valid) = oracle(text) {
        let ours = validate(text);
        let text = String::from_utf8_lossy(text);
        assert_eq!(ours.is_ok(), valid, "{text:?} {ours:?}");
    }
    let walked = descend(text).is_ok();
    let Ok(utf8) = std::str::from_utf8(text) else {
        assert!(members(text).is_err() && !walked);
        return;
    };
    let is_deep = reason_of(validate(text)) == Some("nested too deeply");
    let valid = serde_json::from_str::<IgnoredAny>(utf8).is_ok() && !is_deep;
    assert_eq!(walked, valid, "{utf8:?}");
    if utf8.trim_start().starts_with('{') {
        assert_eq!(walk(text).is_ok(), valid, "{utf8:?}");
    }
}

proptest! {
    #[test]
    fn accepts_whatever_serde_json_writes(value in any_value(), pretty: bool) {
        let text = to_text(&value, pretty);
        prop_assert_eq!(validate(text.as_bytes()), Ok(()));
    }

    #[test]
    fn every_cut_of_an_object_is_refused(value in any_object(), at: Index, pretty: bool) {
        let text = to_text(&value, pretty);
        let cut = &text.as_bytes()[..at.index(text.len())];
        prop_assert!(validate(cut).is_err());
        prop_assert!(members(cut).is_err() || walk(cut).is_err());
    }

    #[test]
    fn members_are_those_that_serde_json_reads(value in any_object(), pretty: bool) {
        let text = to_text(&value, pretty);
        let mut read = serde_json::Map::new();
        for member in members(text.as_bytes()).unwrap() {
            let member = member.unwrap();
            prop_assert_eq!(&text[member.value.clone()], member.raw().as_json());
            let value = serde_json::from_str(member.raw().as_json()).unwrap();
            read.insert(member.key.into_owned(), value);
        }
        let again: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(Value::Object(read), again);
    }

    #[test]
    fn agrees_with_serde_json_on_damaged_texts(
        value in any_object(),
        damage in vec((any::<Index>(), any::<u8>(), select(&b"\"\\{}[]:,0e.-u \n\x00\xc3x"[..])), 1..4),
    ) {
        let mut text = value.to_string().into_bytes();
        for (at, how, byte) in damage {
            let at = at.index(text.len());
            match how % 4 {
                0 => text[at] = byte,
                1 => text.insert(at, byte),
                2 => {
                    text.remove(at);
                }
                _ => text.push(byte),
            }
            if text.is_empty() {
                text.push(byte);
            }
        }
        assert_agrees(&text);
    }

    #[test]
    fn agrees_with_serde_json_on_heaps_of_tokens(tokens in vec(select(TOKENS), 0..12)) {
        let heap = tokens.concat();
        assert_agrees(heap.as_bytes());
        assert_agrees(format!("{{\"k\":{heap}}}").as_bytes());
        assert_agrees(format!("[\"{heap}\"]").as_bytes());
    }

    #[test]
    fn never_panics_on_any_bytes(bytes in vec(any::<u8>(), 0..64)) {
        assert_agrees(&bytes);
    }

    #[test]
    fn what_is_written_as_a_string_reads_back(text: String) {
        let mut out = Vec::new();
        write_string(&mut out, &text);
        prop_assert_eq!(&serde_json::from_slice::<String>(&out).unwrap(), &text);
        out.splice(..0, *b"{\"k\":");
        out.push(b'}');
        let member = members(&out).unwrap().next().unwrap().unwrap();
        prop_assert_eq!(member.raw().to_text().unwrap(), text);
    }
}

const TOKENS: &[&str] = &[
    "{", "}", "[", "]", ",", ":", "\"a\"", "\"", "\\", "\\u", "\\ud83d", "\\ude00", "\\u00e9",
    "00", "1", "-", "+", ".", "e", "E", "0", "true", "nul", "null", "false", " ", "\n", "\t",
    "\u{7f}", "\u{1}", "é", "\u{feff}",
];

#[test]
fn finds_each_special_byte_at_each_place() {
    for len in 0..200 {
        for at in 0..len {
            for byte in [b'"', b'\\', b'\n', 0, 0x1f] {
                let mut text = vec![b'"'; len + 2];
                text[1..=len].fill(0x7f);
                text[1 + at] = byte;
                assert_agrees(&text);
            }
        }
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    assert_eq!(reason(b""), (0, "unexpected end"));
    assert_eq!(reason(b"{\"a\":1"), (6, "unexpected end"));
    assert_eq!(reason(b"{\"a\" 1}"), (5, "expected a colon"));
    assert_eq!(reason(b"{a:1}"), (1, "expected a key"));
    assert_eq!(reason(b"{\"a\":1,}"), (7, "expected a key"));
    assert_eq!(reason(b"{\"a\":1]"), (6, "expected a comma or a brace"));
    assert_eq!(reason(b"[1}"), (2, "expected a comma or a bracket"));
    assert_eq!(reason(b"[1] x"), (4, "unexpected text after the value"));
    assert_eq!(reason(b"[\"abc"), (5, "unterminated string"));
    assert_eq!(reason(b"\"a\\x\""), (2, "unknown escape"));
    assert_eq!(reason(b"\"\\u12g4\""), (1, "malformed \\u escape"));
    assert_eq!(reason(b"\"\\ud83d\""), (1, "half of a surrogate pair"));
    assert_eq!(reason(b"\"a\nb\""), (2, "control character in a string"));
    assert_eq!(reason(b"-"), (1, "unexpected end"));
    assert_eq!(reason(b"01"), (1, "unexpected text after the value"));
    assert_eq!(reason(b"[\"\xff\"]"), (2, "invalid UTF-8"));
    assert_eq!(reason(b"\xef\xbb\xbf{}"), (0, "expected a value"));
}

#[test]
fn becomes_a_400_with_the_place() {
    let error = Error::from(validate(b"[1,]").unwrap_err());
    assert_eq!(error.status(), 400);
    assert!(error.message().contains("expected a value at byte 3"));
}

#[test]
fn nests_as_deep_as_serde_json_and_no_deeper() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |depth| {
            let inner = if open == "[" { "" } else { "1" };
            [&open.repeat(depth), inner, &close.repeat(depth)].concat()
        };
        let deepest = nested(MAX_DEPTH);
        assert_agrees(deepest.as_bytes());
        assert_eq!(validate(deepest.as_bytes()), Ok(()));
        let deeper = nested(MAX_DEPTH + 1);
        assert_eq!(oracle(deeper.as_bytes()), Some(false));
        assert_eq!(reason(deeper.as_bytes()).1, "nested too deeply");
        assert!(walk(format!("{{\"a\":{deepest}}}").as_bytes()).is_err());
    }
}

#[test]
fn hostile_texts_take_no_longer_than_their_length() {
    const LEN: usize = 10_000_000;
    let start = Instant::now();
    for part in [
        "[", "{\"a\":", "[1,", "\"\\u", "\"", "\\", "1", " ", "{", "\"a\" ",
    ] {
        assert!(walk(part.repeat(LEN / part.len()).as_bytes()).is_err());
        let text = format!("{{\"a\":{}", part.repeat(LEN / part.len()));
        assert!(walk(text.as_bytes()).is_err());
    }
    let escapes = format!("{{\"{}\":1}}", "\\u0061".repeat(LEN / 6));
    assert_eq!(walk(escapes.as_bytes()), Ok(1));
    let many = format!("{{{}\"z\":1}}", "\"a\":1,".repeat(LEN / 6));
    assert_eq!(walk(many.as_bytes()), Ok(LEN / 6 + 1));
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_cursor_goes_as_deep_as_all_others() {
    fn into(cursor: &mut Cursor<'_>) -> Result<(), SyntaxError> {
        cursor.elements(into)
    }
    let nested = |depth| ["[".repeat(depth), "]".repeat(depth)].concat();
    let (deepest, deeper) = (nested(MAX_DEPTH), nested(MAX_DEPTH + 1));
    assert_eq!(into(&mut Cursor::new(deepest.as_bytes()).unwrap()), Ok(()));
    let error = into(&mut Cursor::new(deeper.as_bytes()).unwrap()).unwrap_err();
    assert_eq!(error.reason(), "nested too deeply");
    assert_eq!(descend(deepest.as_bytes()), Ok(4));
    assert!(descend(deeper.as_bytes()).is_err());
}

#[test]
fn lets_a_vendor_cut_an_emoji_in_two() {
    let chunk = br#"{"half\ude00":"\ud83d"}"#;
    let member = members(chunk).unwrap().next().unwrap().unwrap();
    assert_eq!(member.key, "half\u{fffd}");
    assert_eq!(member.raw().to_text().unwrap(), "\u{fffd}");
    assert!(validate(chunk).is_err());
}

#[test]
fn looks_into_values_and_counts_from_the_start_of_the_text() {
    let text = br#" {"choices" : [ {"index":7,"delta":{}} , null ], "usage":{"n":1.5,"ok":true}}"#;
    let mut all = members(text).unwrap();
    let choices = all.next().unwrap().unwrap().raw();
    assert!(choices.is_array() && !choices.is_empty());
    let elements: Vec<_> = choices.elements().unwrap().map(Result::unwrap).collect();
    assert_eq!(&text[elements[0].span()], br#"{"index":7,"delta":{}}"#);
    assert!(elements[1].is_null() && elements[1].members().is_none());
    let choice: Vec<_> = elements[0].members().unwrap().map(Result::unwrap).collect();
    assert_eq!(choice[0].raw().to_u64(), Some(7));
    assert!(choice[1].raw().is_object() && choice[1].raw().is_empty());
    let usage = all.next().unwrap().unwrap().raw();
    let usage: Vec<_> = usage.members().unwrap().map(Result::unwrap).collect();
    assert_eq!(
        (usage[0].raw().to_u64(), usage[0].raw().to_f64()),
        (None, Some(1.5))
    );
    assert_eq!(usage[1].raw().to_bool(), Some(true));
    assert!(all.next().is_none());
}
