//! One request on its way in.
