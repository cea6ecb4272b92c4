//! One answer on its way out.
