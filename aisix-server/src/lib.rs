//! The reference assembly of AISIX, as a library: [`assemble`] is the composition, [`serve`] the
//! life of the process around it, and the rest what they need: the configuration file, the embedded
//! store and its demonstration, listeners that drain, the access log. The binary `aisix` is a thin
//! `main` over it.

pub mod access_log;
pub mod assemble;
pub mod caller_key;
pub mod cli;
pub mod config;
pub mod demo;
pub mod listen;
pub mod serve;
pub mod status;
pub mod store;
pub mod telemetry;
pub mod upstream;
