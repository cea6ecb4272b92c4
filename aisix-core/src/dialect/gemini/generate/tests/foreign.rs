//! Recorded requests of other vendors' callers.

use super::*;
use crate::dialect::anthropic::Messages;
use crate::dialect::recorded::recordings;

/// What is refused is refused by name.
#[test]
fn recorded_requests_of_other_formats_are_written_or_refused_by_name() {
    let chat = Chat::new();
    let messages = Messages::new();
    let formats: [(&dyn ChatCodec, &[&str], &str); 2] = [
        (
            &chat,
            &["openai", "deepseek", "openai-compatible"],
            "chat_completions",
        ),
        (&messages, &["anthropic"], "messages"),
    ];
    let (mut written, mut refused) = (0, 0);
    for (codec, vendors, endpoint) in formats {
        let Some(recorded) = recordings(vendors, endpoint, 20) else {
            return;
        };
        for entry in &recorded.entries {
            let Some(file) = &entry.request else { continue };
            let request = codec.read_request(&recorded.load(file)).expect(&entry.id);
            for model in ["gemini-3-flash", "gemini-2.5-pro"] {
                match CODEC.write_request(&request, &TargetModel::new(model)) {
                    Ok((body, _)) => {
                        CODEC.read_request(&body).expect(&entry.id);
                        written += 1;
                    }
                    Err(error) => {
                        assert_eq!(error.status(), 400, "{}", entry.id);
                        assert!(error.param().is_some(), "{}", entry.id);
                        refused += 1;
                    }
                }
            }
        }
    }
    // Tools, files and pieces that only their vendor has are in a good part of what was recorded.
    assert!(
        written > 330 && refused < written / 2,
        "{written} written, {refused} refused"
    );
}
