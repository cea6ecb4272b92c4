//! Streams of chunks, both ways.

mod decoder;
mod encoder;

pub(super) use self::decoder::Decoder;
pub(super) use self::encoder::Encoder;
