//! The neutral model of a chat; it knows no vendor.
