//! The loads.

/// One kind of load.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub short: &'static str,
    pub name: &'static str,
    /// What CPU time is divided by: `requests` or `chunks`.
    pub unit: &'static str,
    /// What the gateway may cost, in CPU time beside bare hyper.
    pub goal: Option<f64>,
    concurrency: u32,
    /// A load of so many seconds, or of so many requests.
    amount: Amount,
    body: u32,
    chunks: u32,
    pace_ms: u32,
    spread_ms: u32,
}

#[derive(Clone, Copy)]
enum Amount {
    Secs(f32),
    Requests(u32),
}

const UNARY: Scenario = Scenario {
    short: "unary",
    name: "unary, small",
    unit: "requests",
    goal: Some(1.25),
    concurrency: 64,
    amount: Amount::Secs(3.0),
    body: 0,
    chunks: 0,
    pace_ms: 0,
    spread_ms: 0,
};

pub const SCENARIOS: &[Scenario] = &[
    UNARY,
    Scenario {
        short: "unary-100k",
        name: "unary, 100 kB request",
        goal: Some(1.5),
        body: 100_000,
        ..UNARY
    },
    Scenario {
        short: "burst",
        name: "stream as fast as it comes",
        unit: "chunks",
        goal: None,
        chunks: 64,
        ..UNARY
    },
    // Two waves of streams; the callers start apart, as callers do, so that chunks of different
    // streams do not come at the same instant.
    Scenario {
        short: "paced",
        name: "500 paced streams",
        unit: "chunks",
        goal: Some(1.15),
        concurrency: 500,
        amount: Amount::Requests(1000),
        chunks: 64,
        pace_ms: 40,
        spread_ms: 2560,
        ..UNARY
    },
];

/// All streams are open together for some seconds.
pub const MEMORY: Scenario = Scenario {
    short: "memory",
    name: "2,000 open streams",
    unit: "chunks",
    goal: None,
    concurrency: 2000,
    amount: Amount::Requests(2000),
    chunks: 64,
    pace_ms: 200,
    spread_ms: 4000,
    ..UNARY
};

impl Scenario {
    /// A short one of the same kind.
    pub fn warm_up(mut self) -> Self {
        self.amount = match self.amount {
            Amount::Secs(_) => Amount::Secs(0.5),
            Amount::Requests(_) => Amount::Requests(self.concurrency),
        };
        self.pace_ms = self.pace_ms.min(10);
        self.spread_ms = self.spread_ms.min(640);
        self
    }

    /// A few requests of the same kind, for a look at each of them.
    pub fn sample(mut self) -> Self {
        self.concurrency = self.concurrency.min(20);
        self.amount = Amount::Requests(self.concurrency * 5);
        self.spread_ms = self.spread_ms.min(640);
        self
    }

    pub fn streams(&self) -> f64 {
        f64::from(self.concurrency)
    }

    /// The arguments of `load`.
    pub fn args(&self) -> Vec<String> {
        let mut args = vec![format!("--concurrency={}", self.concurrency)];
        args.push(match self.amount {
            Amount::Secs(secs) => format!("--secs={secs}"),
            Amount::Requests(requests) => format!("--requests={requests}"),
        });
        args.push(format!("--body={}", self.body));
        args.push(format!("--spread-ms={}", self.spread_ms));
        if self.chunks > 0 {
            args.push(format!("--chunks={}", self.chunks));
        }
        if self.pace_ms > 0 {
            args.push(format!("--pace-ms={}", self.pace_ms));
        }
        args
    }
}
