//! What `cargo xtask bench` measures the gateway with.
//!
//! Three programs, each its own process, so that the CPU time of one is not that of another:
//! `upstream` answers like OpenAI and costs next to nothing; `bare` is the yardstick, a reverse
//! proxy on bare hyper, as good as one writes it; `load` sends requests and takes the time.
//! None of them knows a crate of AISIX.

pub mod answer;
pub mod serve;
