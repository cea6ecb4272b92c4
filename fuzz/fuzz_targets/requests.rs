//! What was read of a request can be written in every dialect, or is refused, and is read back.

#![no_main]

use aisix_core::dialect::TargetModel;
use aisix_fuzz::{chats, dialect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((dialect, body)) = dialect(data) else {
        return;
    };
    if let Some(codec) = dialect.chat()
        && let Ok(request) = codec.read_request(body)
        // The gateway refuses what asks nothing before anybody reads it.
        && !request.messages.is_empty()
    {
        for target in chats() {
            let written = target.write_request(&request, &TargetModel::new("m"));
            if let Ok((bytes, _)) = written {
                target
                    .read_request(&bytes)
                    .expect("what was written is a request");
            }
        }
    }
    if let Some(codec) = dialect.embeddings()
        && let Ok(request) = codec.read_request(body)
        && let Ok(bytes) = codec.write_request(&request, &TargetModel::new("m"))
    {
        codec
            .read_request(&bytes)
            .expect("what was written is a request");
    }
});
