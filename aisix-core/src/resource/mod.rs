//! What an operator writes: plain serde types, one file a kind.
