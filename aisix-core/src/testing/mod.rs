//! What implementers of hooks, providers and sources test with.
