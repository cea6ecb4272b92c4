use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::{Index, select};

use super::{DONE, Event, KEEP_ALIVE, Scanner, TooLong, write_event};

/// The events and the rest of a stream that comes in the given pieces.
fn scan(scanner: Scanner, pieces: &[&[u8]]) -> Result<(Vec<Event>, Option<Bytes>), TooLong> {
    let mut scanner = scanner;
    let mut events = Vec::new();
    for piece in pieces {
        scanner.push(Bytes::copy_from_slice(piece));
        while let Some(event) = scanner.next_event()? {
            events.push(event);
        }
    }
    Ok((events, scanner.finish()))
}

fn events(stream: &str) -> Vec<Event> {
    scan(Scanner::new(), &[stream.as_bytes()]).unwrap().0
}

fn raws(events: &[Event]) -> Vec<&[u8]> {
    events.iter().map(|event| &event.raw()[..]).collect()
}

/// The pieces of `stream` between the cuts.
fn split<'a>(stream: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| &stream[pair[0]..pair[1]])
        .collect()
}

/// What the HTML standard dispatches: name and data, the plain way.
fn standard(stream: &str) -> Vec<(Option<String>, String)> {
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(stream);
    let stream = stream.replace("\r\n", "\n").replace('\r', "\n");
    let mut dispatched = Vec::new();
    let (mut name, mut data) = (None, String::new());
    let whole_lines = stream.rfind('\n').map_or("", |end| &stream[..end]);
    for line in whole_lines.split('\n') {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() => {
                let data = std::mem::take(&mut data);
                let name: Option<String> = name.take();
                if let Some(data) = data.strip_suffix('\n') {
                    dispatched.push((name, data.to_owned()));
                }
            }
            "data" => data = data + value + "\n",
            "event" => name = Some(value.to_owned()),
            _ => {}
        }
    }
    dispatched
}

fn dispatched(events: &[Event]) -> Vec<(Option<String>, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    events
        .iter()
        .filter_map(|event| Some((event.name().map(text), text(&event.data()?))))
        .collect()
}

const TOKENS: &[&str] = &[
    "data: x", "data:", "data", "event: e", "event:", "id: 1", ":", " ", "\n", "\n", "\n\n", "\r",
    "\r", "\r\n", "\r\n\r\n", "\u{2028}", "\u{feff}", "\u{85}", "é",
];

proptest! {
    #[test]
    fn any_split_gives_the_same_events(tokens in vec(select(TOKENS), 0..24), cuts in vec(any::<Index>(), 0..12)) {
        let stream = tokens.concat();
        let (whole, rest) = scan(Scanner::new(), &[stream.as_bytes()]).unwrap();
        let (parts, rest_of_parts) = scan(Scanner::new(), &split(stream.as_bytes(), &cuts)).unwrap();
        prop_assert_eq!(raws(&whole), raws(&parts));
        prop_assert_eq!(&rest, &rest_of_parts);
        prop_assert_eq!(dispatched(&whole), dispatched(&parts));
        for event in &whole {
            prop_assert_eq!(event.data().map(|data| data.into_owned()), event.data_bytes().map(Vec::from));
            if let Some(span) = event.data_span() {
                prop_assert_eq!(event.data_bytes().unwrap(), &event.raw()[span]);
            }
        }
    }

    #[test]
    fn reads_what_the_standard_says(tokens in vec(select(TOKENS), 0..24)) {
        let stream = tokens.concat() + "\n\n";
        let (events, rest) = scan(Scanner::new(), &[stream.as_bytes()]).unwrap();
        prop_assert_eq!(rest, None);
        prop_assert_eq!(dispatched(&events), standard(&stream));
    }

    #[test]
    fn no_byte_is_lost(tokens in vec(select(TOKENS), 0..24), cuts in vec(any::<Index>(), 0..12)) {
        let stream = tokens.concat();
        let (events, rest) = scan(Scanner::new(), &split(stream.as_bytes(), &cuts)).unwrap();
        let mut all = raws(&events).concat();
        all.extend(rest.iter().flatten());
        let stream = stream.strip_prefix('\u{feff}').unwrap_or(&stream).as_bytes();
        let lost = stream.strip_prefix(&all[..]);
        prop_assert!(lost.is_some_and(|lost| lost.iter().all(|byte| b"\r\n".contains(byte))));
    }

    #[test]
    fn what_is_written_reads_back(data in vec(select(TOKENS), 0..9), named: bool) {
        let data = data.concat();
        let mut out = BytesMut::new();
        write_event(&mut out, named.then_some("message\ndata: forged"), data.as_bytes());
        let (events, rest) = scan(Scanner::new(), &[&out]).unwrap();
        let read = data.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(dispatched(&events), vec![(named.then(|| "message".to_owned()), read)]);
        prop_assert_eq!((events.len(), rest), (1, None));
    }

    #[test]
    fn the_limit_holds_for_any_split(len in 0_usize..40, cuts in vec(any::<Index>(), 0..6)) {
        let stream = format!("data: 1\n\ndata: {}\n\n", "x".repeat(len));
        let fits = len + 8 <= 28;
        let scanner = Scanner::new().with_limit(28);
        prop_assert_eq!(scan(scanner, &split(stream.as_bytes(), &cuts)).is_ok(), fits);
    }
}

#[test]
fn slices_what_came_in_one_piece() {
    let piece = Bytes::from_static(b"data: 1\n\nevent: e\r\ndata: 2\r\n\r\n");
    let mut scanner = Scanner::new();
    scanner.push(piece.clone());
    let first = scanner.next_event().unwrap().unwrap();
    let second = scanner.next_event().unwrap().unwrap();
    assert_eq!(first.raw().as_ptr(), piece.as_ptr());
    assert_eq!(second.raw().as_ptr(), piece[9..].as_ptr());
    assert_eq!(second.data_bytes().unwrap().as_ptr(), piece[25..].as_ptr());
    assert_eq!(second.data_span(), Some(16..17));
    assert_eq!(second.name(), Some(&b"e"[..]));
}

#[test]
fn an_event_that_ends_in_bare_carriage_returns_is_not_held_back() {
    let (events, rest) = scan(Scanner::new(), &[b"data: 1\r\r"]).unwrap();
    assert_eq!(
        (dispatched(&events), rest),
        (vec![(None, "1".into())], None)
    );
}

#[test]
fn joins_data_fields_and_strips_one_space() {
    let events = events("data:  a\ndata:b\ndata\n\n");
    assert_eq!(events[0].data().as_deref(), Some(&b" a\nb\n"[..]));
    assert_eq!(events[0].data_span(), None);
}

#[test]
fn tells_comments_from_events() {
    let events = events(": ping\n\nretry: 1\n\ndata: [DONE]\n\n");
    assert_eq!(raws(&events)[2], DONE);
    let comments: Vec<_> = events.iter().map(Event::is_comment).collect();
    assert_eq!(comments, [true, false, false]);
    assert!(events[1].data().is_none() && events[1].data_bytes().is_none());
    assert!(Event::new(Bytes::from_static(KEEP_ALIVE)).is_comment());
}

#[test]
fn hands_back_what_was_cut() {
    let (_, rest) = scan(Scanner::new(), &[b"data: 1\n\nda", b"ta: 2\n"]).unwrap();
    assert_eq!(rest.as_deref(), Some(&b"data: 2\n"[..]));
    let (_, rest) = scan(Scanner::new(), &[b"data: 1\n\n\n\r\n"]).unwrap();
    assert_eq!(rest, None);

    let mut unread = Scanner::new();
    unread.push(Bytes::from_static(b"data: 1\n"));
    unread.push(Bytes::from_static(b"\n"));
    assert_eq!(unread.finish().as_deref(), Some(&b"data: 1\n\n"[..]));
}

#[test]
fn stays_broken_after_an_event_that_is_too_long() {
    let mut scanner = Scanner::new().with_limit(8);
    scanner.push(Bytes::from_static(b"data: 123456"));
    assert_eq!(scanner.next_event().unwrap_err().limit(), 8);
    scanner.push(Bytes::from_static(b"\n\ndata\n\n"));
    assert!(scanner.next_event().is_err());
    assert_eq!(scanner.finish(), None);
}

#[test]
fn a_large_event_in_tiny_pieces_takes_no_longer_than_its_length() {
    let start = Instant::now();
    let mut scanner = Scanner::new();
    for _ in 0..1_000_000 {
        scanner.push(Bytes::from_static(b"data: x\r\n"));
        assert!(scanner.next_event().unwrap().is_none());
    }
    scanner.push(Bytes::from_static(b"\r\n"));
    let event = scanner.next_event().unwrap().unwrap();
    assert_eq!(event.data().unwrap().len(), 1_999_999);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn debug_shows_no_content() {
    let event = Event::new(Bytes::from_static(b"data: secret\n\n"));
    assert!(!format!("{event:?}").contains("secret"));
    let mut scanner = Scanner::new();
    scanner.push(Bytes::from_static(b"data: secret"));
    assert!(!format!("{scanner:?}").contains("secret"));
}
