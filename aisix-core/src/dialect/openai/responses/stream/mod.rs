//! Streams of events, both ways.

mod decoder;
mod encoder;
mod item;
mod items;

pub(super) use self::decoder::Decoder;
pub(super) use self::encoder::Encoder;
