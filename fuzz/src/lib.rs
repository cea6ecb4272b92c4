//! What the targets share.

use aisix_core::dialect::{ChatCodec, Dialect, Dialects};

/// The dialect that the first byte chooses, and the rest of the input.
pub fn dialect(data: &[u8]) -> Option<(&'static dyn Dialect, &[u8])> {
    let (first, rest) = data.split_first()?;
    let dialects = Dialects::default();
    let ids: Vec<_> = dialects.ids().collect();
    let id = ids[usize::from(*first) % ids.len()];
    Some((dialects.get(id)?, rest))
}

/// Every dialect of chats.
pub fn chats() -> impl Iterator<Item = &'static dyn ChatCodec> {
    let dialects = Dialects::default();
    let ids: Vec<_> = dialects.ids().collect();
    ids.into_iter()
        .filter_map(move |id| dialects.get(id).and_then(Dialect::chat))
}
