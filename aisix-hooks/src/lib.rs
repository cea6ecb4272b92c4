//! AISIX hooks.
