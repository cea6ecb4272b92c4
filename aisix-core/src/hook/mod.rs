//! How hooks are written and stacked.
