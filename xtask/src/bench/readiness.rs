//! From start to ready with the embedded default, and what it then holds.

use std::{fs, path::Path, thread, time::Duration, time::Instant};

use super::{
    proc::{Memory, family},
    report::median,
    server::{Server, free_address},
};
use crate::shell::Result;

pub struct Readiness {
    /// The very first start, which makes the store and the keys, in ms.
    pub first_ms: f64,
    /// Later starts, on the store that is there, in ms.
    pub later_ms: Vec<f64>,
    /// A second after the last start.
    pub idle: Memory,
}

impl Readiness {
    pub fn later(&self) -> f64 {
        median(self.later_ms.iter().copied())
    }
}

/// Starts `aisix` without a configuration six times, in a folder of its own.
pub fn measure(aisix: &Path, dir: &Path) -> Result<Readiness> {
    println!("\n== start to ready, with the embedded default");
    fs::create_dir_all(dir)?;
    let log = dir.join("aisix.log");
    let mut times = Vec::new();
    let mut idle = Memory::default();
    for _ in 0..6 {
        let address = free_address()?;
        // The rest stays as it is by default: that is what is measured.
        let env = [("AISIX_PROXY__ADDR", address.to_string())];
        let start = Instant::now();
        let mut server = Server::start_with(aisix, &[], &env, dir, &log)?;
        server.ready(address, "/readyz", &log)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        thread::sleep(Duration::from_secs(1));
        idle = Memory::of(&family(server.pid()));
    }
    let first_ms = times.remove(0);
    Ok(Readiness {
        first_ms,
        later_ms: times,
        idle,
    })
}
