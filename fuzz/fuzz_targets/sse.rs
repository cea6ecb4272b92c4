//! Any split of a stream's bytes gives the same events.

#![no_main]

use aisix_core::sse::Scanner;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (stream, cuts) = input;
    assert_eq!(scan(&[&stream]), scan(&pieces(&stream, &cuts)));
});

fn scan(pieces: &[&[u8]]) -> Vec<(Option<Vec<u8>>, Option<Vec<u8>>)> {
    let mut scanner = Scanner::new();
    let mut events = Vec::new();
    for piece in pieces {
        scanner.push(Bytes::copy_from_slice(piece));
        while let Ok(Some(event)) = scanner.next_event() {
            let name = event.name().map(<[u8]>::to_vec);
            events.push((name, event.data().map(|data| data.to_vec())));
        }
    }
    events
}

/// Cuts `stream` after as many bytes as each cut says.
fn pieces<'a>(mut stream: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, rest) = stream.split_at(usize::from(*cut).min(stream.len()));
        pieces.push(piece);
        stream = rest;
    }
    pieces.push(stream);
    pieces
}
