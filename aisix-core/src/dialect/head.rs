use std::ops::Range;

use crate::conversation::{FinishReason, Usage};
use crate::error::Error;

/// What a gateway wants to know of a whole answer that passes through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseHead {
    /// Where the value of the model's name stands, its quotes included.
    pub model: Option<Range<usize>>,
    /// What it cost, if it says so.
    pub usage: Option<Usage>,
    /// Why the first choice ended.
    pub finish: Option<FinishReason>,
}

/// What a gateway wants to know of one event of a stream that passes through.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct EventHead {
    /// Where the value of the model's name stands, its quotes included.
    pub model: Option<Range<usize>>,
    /// What the answer cost so far, if it says so.
    pub usage: Option<Usage>,
    /// What to cut so that the member that carries the usage is gone and the rest is valid: the
    /// member and one comma. It is here for a usage of `null` too.
    pub usage_span: Option<Range<usize>>,
    /// Whether it carries the usage and nothing else, so that a caller who did not ask for the
    /// usage does not expect it.
    pub is_usage_only: bool,
    /// Whether a choice ends here.
    pub is_finish: bool,
    /// Whether it ends the stream.
    pub is_done: bool,
    /// Whether it only says that the answer begins: the upstream may still fail at once, so that
    /// nothing is promised to the caller yet.
    pub is_preamble: bool,
    /// Whether a piece of the answer begins here, which may take long before it has any content.
    pub is_opening: bool,
    /// How many bytes of content it carries (text, thoughts, arguments): 0 for none. It is the
    /// length as JSON spells it, good enough to guess tokens from.
    pub content_bytes: usize,
    /// The failure that it reports.
    pub error: Option<Error>,
}
