//! JSON without a tree: what every request needs from its body in one pass, and edits in place.
