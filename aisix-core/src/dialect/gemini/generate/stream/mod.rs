//! Streams of answers, both ways.

mod counted;
mod decoder;
mod encoder;
mod partial;
mod plain;

pub(super) use self::decoder::Decoder;
pub(super) use self::encoder::Encoder;
