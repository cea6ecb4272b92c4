//! Why an answer ended.

use crate::conversation::FinishReason;
use crate::error::{Error, ErrorKind, Result};

/// The reason in neutral words. `STOP` is what the vendor says of calls too, and what it says of
/// mishaps in the middle of an answer leaves an answer that has ended.
///
/// # Errors
///
/// The vendor gave up without a word of answer, or does not know how the answer ended.
pub(in crate::dialect::gemini) fn read_finish(
    reason: &str,
    has_calls: bool,
    has_parts: bool,
) -> Result<FinishReason> {
    Ok(match reason {
        "STOP" if has_calls => FinishReason::ToolCalls,
        "STOP" => FinishReason::Stop,
        "MAX_TOKENS" | "CONTINUATION" => FinishReason::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "MODEL_ARMOR"
        | "ESCALATION"
        | "PUP_LIMITED_DISABLED" => FinishReason::ContentFilter,
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MALFORMED_RESPONSE"
        | "MISSING_THOUGHT_SIGNATURE" => FinishReason::Stop,
        "OTHER" | "IMAGE_OTHER" | "NO_IMAGE" | UNSPECIFIED if !has_parts => {
            return Err(Error::new(
                ErrorKind::UpstreamError,
                "The upstream gave up before it answered.",
            )
            .with_source(format!("finishReason {reason}")));
        }
        UNSPECIFIED => {
            return Err(Error::new(
                ErrorKind::UpstreamDecode,
                "The upstream's answer is cut off.",
            )
            .with_source(format!("finishReason {reason}")));
        }
        "OTHER" | "IMAGE_OTHER" | "NO_IMAGE" => FinishReason::Stop,
        other => FinishReason::Other(other.to_owned()),
    })
}

/// The default of the vendor's list of reasons, which it documents as unused: an answer that says
/// it has not come to its end.
pub(in crate::dialect::gemini) const UNSPECIFIED: &str = "FINISH_REASON_UNSPECIFIED";

/// The reason in the vendor's words.
pub(super) fn write_finish(reason: &FinishReason) -> &str {
    let is_word = |word: &str| {
        word.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    match reason {
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Pause => "STOP",
        FinishReason::Length => "MAX_TOKENS",
        FinishReason::ContentFilter => "SAFETY",
        FinishReason::Other(word) if is_word(word) => word,
        FinishReason::Other(_) => "OTHER",
    }
}
