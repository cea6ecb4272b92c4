//! An error can be read whatever its body is, and every dialect writes it.

#![no_main]

use aisix_core::dialect::Dialects;
use aisix_fuzz::dialect;
use bytes::BytesMut;
use http::{HeaderMap, StatusCode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (status, data) = input;
    let Some((dialect, body)) = dialect(&data) else {
        return;
    };
    let status = StatusCode::from_u16(400 + u16::from(status) % 200).expect("a status");
    let error = dialect.read_error(status, &HeaderMap::new(), body);
    let dialects = Dialects::default();
    for target in dialects.ids().filter_map(|id| dialects.get(id)) {
        let mut out = BytesMut::new();
        target.write_error(&error, &mut out);
        target.write_stream_error(&error, &mut out);
    }
    let _seen = dialect.scan_event(body);
});
