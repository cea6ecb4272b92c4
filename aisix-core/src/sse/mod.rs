//! Server-sent events without I/O: finding event ends in bytes fed in any split, and writing frames.
