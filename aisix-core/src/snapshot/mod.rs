//! What one request sees of the configuration: immutable, compiled, swapped atomically.
