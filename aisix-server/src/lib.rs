//! The reference assembly of AISIX, as a library: the configuration file, the listeners and how
//! they drain, the access log and the command line. The binary `aisix` is a thin `main` over it.

pub mod access_log;
pub mod cli;
pub mod config;
pub mod listen;
pub mod telemetry;
