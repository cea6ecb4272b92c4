use std::cell::Cell;
use std::mem;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

static NEXT_SHARD: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Which shard a thread writes to, in every log: only the spread matters.
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Lines that wait to be written, in one buffer for each writing thread or few of them.
#[derive(Debug)]
pub(super) struct Shards {
    shards: Box<[Shard]>,
    /// What one shard may hold.
    bound: usize,
}

/// On cache lines of its own, so that threads do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard(Mutex<Vec<u8>>);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Append {
    /// It waits; so many bytes do in its shard.
    Waiting(usize),
    /// There was no room.
    Dropped,
}

impl Shards {
    pub(super) fn new(count: usize, bound: usize) -> Self {
        Self {
            shards: (0..count.max(1)).map(|_| Shard::default()).collect(),
            bound,
        }
    }

    /// Appends what `write` writes, as a line, or nothing.
    pub(super) fn append(&self, write: impl FnOnce(&mut Vec<u8>)) -> Append {
        let mut buffer = self.shards[shard() % self.shards.len()].lock();
        let start = buffer.len();
        if start >= self.bound {
            return Append::Dropped;
        }
        write(&mut buffer);
        if buffer.last() != Some(&b'\n') || buffer.len() == start {
            buffer.push(b'\n');
        }
        if buffer.len() > self.bound {
            buffer.truncate(start);
            return Append::Dropped;
        }
        Append::Waiting(buffer.len())
    }

    /// Takes what waits in each shard, leaving an empty buffer of the same size in its place.
    pub(super) fn drain(&self, spare: &mut Vec<u8>, mut sink: impl FnMut(&[u8])) {
        for shard in &self.shards {
            mem::swap(&mut *shard.lock(), spare);
            if !spare.is_empty() {
                sink(spare);
                spare.clear();
            }
        }
    }
}

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // A panic while formatting leaves at worst a broken line behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shard() -> usize {
    SHARD.with(|shard| {
        shard.get().unwrap_or_else(|| {
            let next = NEXT_SHARD.fetch_add(1, Ordering::Relaxed);
            shard.set(Some(next));
            next
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_each_line_once() {
        let shards = Shards::new(1, 1024);
        shards.append(|line| line.extend_from_slice(b"a"));
        shards.append(|line| line.extend_from_slice(b"b\n"));
        assert_eq!(drain(&shards), "a\nb\n");
        assert_eq!(drain(&shards), "");
    }

    #[test]
    fn drops_a_line_that_has_no_room() {
        let shards = Shards::new(1, 8);
        assert_eq!(
            shards.append(|line| line.extend_from_slice(b"12345")),
            Append::Waiting(6)
        );
        assert_eq!(
            shards.append(|line| line.extend_from_slice(b"678")),
            Append::Dropped
        );
        assert_eq!(
            shards.append(|line| line.extend_from_slice(b"6")),
            Append::Waiting(8)
        );
        assert_eq!(shards.append(|_| unreachable!()), Append::Dropped);
        assert_eq!(drain(&shards), "12345\n6\n");
    }

    fn drain(shards: &Shards) -> String {
        let mut text = Vec::new();
        shards.drain(&mut Vec::new(), |bytes| text.extend_from_slice(bytes));
        String::from_utf8(text).unwrap()
    }
}
