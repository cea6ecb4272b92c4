//! Streams of events, both ways.
//!
//! What only this format says of a stream is told as [`ChatEvent::Other`](crate::conversation::ChatEvent)
//! with the events' own words: `content_block` opens a block of a kind that the model does not name,
//! or of a text that a boundary parts from the one before; `delta` adds to the open block;
//! `tool_use` is what the call that comes next says beyond the model; `message_delta` is what stands
//! beside the reason of the end.

mod decoder;
mod encoder;

pub(super) use self::decoder::Decoder;
pub(super) use self::encoder::Encoder;

const CONTENT_BLOCK: &str = "content_block";
const DELTA: &str = "delta";
const TOOL_USE: &str = "tool_use";
const MESSAGE_DELTA: &str = "message_delta";
/// Within the last: what its event says beside its delta.
const EVENT: &str = "event";
