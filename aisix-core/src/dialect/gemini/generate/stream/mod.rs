//! Streams of answers, both ways.

mod decoder;
mod encoder;
mod partial;

pub(super) use self::decoder::Decoder;
pub(super) use self::encoder::Encoder;
