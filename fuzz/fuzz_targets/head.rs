//! A head that could be read belongs to valid JSON.

#![no_main]

use aisix_core::json::{self, Head};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    if let Ok(head) = Head::scan(body) {
        json::validate(body).expect("valid JSON");
        if let Some(span) = head.model_span() {
            json::validate(&body[span]).expect("a whole value");
        }
        // Requests without a model go no further than this.
        if head.model().is_none() {
            return;
        }
        let bytes = bytes::Bytes::copy_from_slice(body);
        let mut edits: Vec<_> = [Some(head.edit_model("m")), head.edit_include_usage()]
            .into_iter()
            .flatten()
            .collect();
        let edited = json::splice(&bytes, &mut edits).into_bytes();
        let head = Head::scan(&edited).expect("still a request");
        assert_eq!(head.model(), Some("m"));
    }
});
