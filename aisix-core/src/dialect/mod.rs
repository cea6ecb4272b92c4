//! Wire formats to and from the conversation model: pure codecs.
