use std::any::{Any, TypeId};
use std::fmt;
use std::sync::OnceLock;

/// A place where layers keep what belongs to one entity: one value of each type, made when first
/// asked for.
///
/// Reading takes no lock, and nothing is allocated after a type's first use. A layer keeps a type
/// of its own, so that layers do not meet. The values are found in a list, so a few types are fine
/// and hundreds are not.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use aisix_core::snapshot::AnyCell;
///
/// #[derive(Default)]
/// struct Calls(AtomicU64);
///
/// let cell = AnyCell::new();
/// cell.get_or_init(Calls::default).0.fetch_add(1, Ordering::Relaxed);
/// assert_eq!(cell.get::<Calls>().unwrap().0.load(Ordering::Relaxed), 1);
/// ```
#[derive(Default)]
pub struct AnyCell {
    first: OnceLock<Box<Slot>>,
}

struct Slot {
    id: TypeId,
    value: OnceLock<Box<dyn Any + Send + Sync>>,
    next: OnceLock<Box<Self>>,
}

impl AnyCell {
    /// Makes an empty cell.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            first: OnceLock::new(),
        }
    }

    /// The value of type `T`; the first one to ask makes it with `init`, while others wait.
    ///
    /// `init` must not ask the same cell for the same type: that would wait for itself.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a slot holds only a value of the type of its id"
    )]
    pub fn get_or_init<T: Send + Sync + 'static>(&self, init: impl FnOnce() -> T) -> &T {
        let id = TypeId::of::<T>();
        let mut next = &self.first;
        let slot = loop {
            // Taking a slot runs no foreign code: types wait for each other only that long.
            let slot = next.get_or_init(|| Box::new(Slot::new(id)));
            if slot.id == id {
                break slot;
            }
            next = &slot.next;
        };
        let value = &**slot.value.get_or_init(|| Box::new(init()));
        value.downcast_ref().expect("the type of the slot")
    }

    /// The value of type `T`, if there is one yet.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let id = TypeId::of::<T>();
        let mut slot = self.first.get()?;
        while slot.id != id {
            slot = slot.next.get()?;
        }
        slot.value.get().and_then(|value| (**value).downcast_ref())
    }
}

impl Slot {
    const fn new(id: TypeId) -> Self {
        Self {
            id,
            value: OnceLock::new(),
            next: OnceLock::new(),
        }
    }
}

impl fmt::Debug for AnyCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyCell").finish_non_exhaustive()
    }
}
