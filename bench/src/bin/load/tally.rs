//! What the callers saw.

use std::time::Duration;

use serde_json::{Value, json};

/// One request that was answered.
pub struct Done {
    pub total: Duration,
    pub first_event: Option<Duration>,
    pub chunks: usize,
    pub reads: usize,
}

/// All of them. Every latency is kept, so that percentiles are exact.
#[derive(Default)]
pub struct Tally {
    totals: Vec<Duration>,
    first_events: Vec<Duration>,
    chunks: usize,
    reads: usize,
    errors: usize,
    first_error: Option<String>,
}

impl Tally {
    pub fn done(&mut self, done: Done) {
        self.totals.push(done.total);
        self.first_events.extend(done.first_event);
        self.chunks += done.chunks;
        self.reads += done.reads;
    }

    pub fn failed(&mut self, error: &str) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| error.to_owned());
    }

    pub fn add(&mut self, other: Self) {
        self.totals.extend(other.totals);
        self.first_events.extend(other.first_events);
        self.chunks += other.chunks;
        self.reads += other.reads;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
    }

    pub fn report(mut self, elapsed: Duration) -> Value {
        let requests = self.totals.len();
        let secs = elapsed.as_secs_f64();
        json!({
            "requests": requests,
            "chunks": self.chunks,
            "reads": self.reads,
            "errors": self.errors,
            "first_error": self.first_error,
            "secs": secs,
            "requests_per_sec": requests as f64 / secs,
            "latency_us": percentiles(&mut self.totals),
            "first_event_us": percentiles(&mut self.first_events),
        })
    }
}

fn percentiles(all: &mut [Duration]) -> Value {
    all.sort_unstable();
    let at = |share: f64| {
        // The smallest value that at least this share of all does not exceed.
        let rank = (share * all.len() as f64).ceil() as usize;
        all.get(rank.saturating_sub(1))
            .map(|one| one.as_secs_f64() * 1e6)
    };
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact() {
        let mut all: Vec<_> = (1..=100).rev().map(Duration::from_micros).collect();
        let report = percentiles(&mut all);
        assert_eq!(report, json!({ "p50": 50.0, "p99": 99.0, "max": 100.0 }));
        assert_eq!(percentiles(&mut [])["p50"], Value::Null);
    }
}
