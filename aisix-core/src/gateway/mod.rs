//! The two HTTP ends of the stack, and the door without HTTP.
