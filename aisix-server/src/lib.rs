//! The reference assembly of AISIX, as a library: [`assemble`] is the composition, [`serve`] the
//! life of the process around it, and the rest what they need: the configuration file, listeners
//! that drain, the access log, the store. The binary `aisix` is a thin `main` over it.

pub mod access_log;
pub mod assemble;
pub mod cli;
pub mod config;
pub mod listen;
pub mod serve;
pub mod status;
pub mod store;
pub mod telemetry;
pub mod upstream;
