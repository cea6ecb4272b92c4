//! How an upstream is described and called.
