//! AISIX providers.
