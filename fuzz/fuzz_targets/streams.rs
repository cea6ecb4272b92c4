//! Any split of a stream gives the same events, and every dialect writes them.

#![no_main]

use aisix_core::conversation::ChatEvent;
use aisix_core::dialect::{Carry, ChatCodec, EncodeOptions};
use aisix_core::sse::Scanner;
use aisix_fuzz::{chats, dialect};
use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, u16)| {
    let (data, cut) = input;
    let Some((dialect, stream)) = dialect(&data) else {
        return;
    };
    let Some(codec) = dialect.chat() else { return };
    let whole = decode(codec, &[stream]);
    let (first, second) = stream.split_at(usize::from(cut).min(stream.len()));
    assert_eq!(whole, decode(codec, &[first, second]));
    for target in chats() {
        let mut encoder = target.encoder(EncodeOptions::default().with_usage(true));
        let mut out = BytesMut::new();
        let written = whole
            .iter()
            .try_for_each(|event| encoder.event(event, &mut out));
        if written.and_then(|()| encoder.end(&mut out)).is_ok() {
            decode(target, &[&out]);
        }
    }
});

fn decode(codec: &dyn ChatCodec, pieces: &[&[u8]]) -> Vec<ChatEvent> {
    let mut scanner = Scanner::new();
    let mut decoder = codec.decoder(Carry::default());
    let mut events = Vec::new();
    for piece in pieces {
        scanner.push(Bytes::copy_from_slice(piece));
        while let Ok(Some(event)) = scanner.next_event() {
            if decoder.event(&event, &mut events).is_err() {
                return events;
            }
        }
    }
    let _cut = decoder.end(&mut events);
    events
}
