//! What was read of an answer can be written in every dialect, and is read back; a look at the
//! answer agrees with reading it.

#![no_main]

use aisix_core::dialect::Carry;
use aisix_core::error::ErrorKind;
use aisix_fuzz::{chats, dialect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((dialect, body)) = dialect(data) else {
        return;
    };
    let seen = dialect.scan_response(body);
    let Some(codec) = dialect.chat() else { return };
    let Ok(answer) = codec.read_response(body, &Carry::default()) else {
        return;
    };
    if let Ok(seen) = seen
        && let (Some(seen), Some(read)) = (seen.usage, answer.usage)
    {
        assert_eq!(seen, read, "{dialect:?}");
    }
    for target in chats() {
        if let Ok(bytes) = target.write_response(&answer) {
            // An answer may say that it has failed.
            if let Err(error) = target.read_response(&bytes, &Carry::default()) {
                assert_ne!(error.kind(), ErrorKind::UpstreamDecode, "{target:?}: {error}");
            }
        }
    }
});
