use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;

use super::serve::Arrival;

/// One accept loop's share of the connections of a listener.
///
/// The kernel spreads connections by a hash, which with few, long connections leaves one core with
/// twice the work of another. So each is passed on to the loop that has the fewest.
pub(super) struct Share {
    index: usize,
    loops: Arc<[Loop]>,
    arrivals: UnboundedReceiver<Arrival>,
}

/// A place in the count of a loop, until it is dropped.
pub(super) struct Seat {
    index: usize,
    loops: Arc<[Loop]>,
}

/// On cache lines of its own: each core counts its own connections most of the time.
#[repr(align(128))]
struct Loop {
    connections: AtomicUsize,
    door: UnboundedSender<Arrival>,
}

impl Share {
    /// The shares of `count` loops.
    pub(super) fn split(count: usize) -> Vec<Self> {
        let (loops, arrivals): (Vec<Loop>, Vec<_>) = (0..count)
            .map(|_| {
                let (door, arrivals) = unbounded_channel();
                let connections = AtomicUsize::new(0);
                (Loop { connections, door }, arrivals)
            })
            .unzip();
        let loops: Arc<[Loop]> = loops.into();
        arrivals
            .into_iter()
            .enumerate()
            .map(|(index, arrivals)| Self {
                index,
                loops: Arc::clone(&loops),
                arrivals,
            })
            .collect()
    }

    /// The next connection that another loop passes on.
    pub(super) async fn next(share: &mut Option<Self>) -> Arrival {
        match share {
            Some(share) => match share.arrivals.recv().await {
                Some(arrival) => arrival,
                None => pending().await,
            },
            None => pending().await,
        }
    }

    /// A place in the loop that has the fewest connections, this one when others have as many.
    pub(super) fn seat(&self) -> Seat {
        let count = |index: usize| self.loops[index].connections.load(Ordering::Relaxed);
        let index = (0..self.loops.len())
            .min_by_key(|&index| (count(index), index != self.index))
            .unwrap_or(self.index);
        self.loops[index]
            .connections
            .fetch_add(1, Ordering::Relaxed);
        Seat {
            index,
            loops: Arc::clone(&self.loops),
        }
    }

    pub(super) fn is_ours(&self, seat: &Seat) -> bool {
        seat.index == self.index
    }

    pub(super) fn pass_on(&self, arrival: Arrival) {
        let door = &self.loops[arrival.seat.index].door;
        if door.send(arrival).is_err() {
            tracing::debug!("connection lost: its loop has ended");
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.loops[self.index]
            .connections
            .fetch_sub(1, Ordering::Relaxed);
    }
}
