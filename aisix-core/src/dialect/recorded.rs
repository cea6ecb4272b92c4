//! Recorded traffic for the tests: the folder that `AISIX_FIXTURES` names.

use std::path::PathBuf;
use std::{env, fs};

use serde::Deserialize;

/// The recordings of one endpoint.
pub(super) struct Recordings {
    folder: PathBuf,
    pub(super) entries: Vec<Entry>,
}

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    provider: String,
    endpoint: String,
    pub(super) stream: bool,
    pub(super) status: u16,
    pub(super) request: Option<String>,
    pub(super) response: String,
}

/// At least so many recordings of `endpoint` of these `vendors`, or `None` with a printed reason on a machine that
/// has none at all.
pub(super) fn recordings(vendors: &[&str], endpoint: &str, at_least: usize) -> Option<Recordings> {
    #[derive(Deserialize)]
    struct Manifest {
        entries: Vec<Entry>,
    }

    let folder = env::var_os("AISIX_FIXTURES").map(PathBuf::from);
    let Some(folder) = folder.filter(|folder| folder.is_dir()) else {
        assert!(
            env::var_os("CI").is_none(),
            "AISIX_FIXTURES must name the folder of recorded traffic in CI"
        );
        println!("skipped: AISIX_FIXTURES names no folder of recorded traffic");
        return None;
    };
    let manifest = fs::read(folder.join("manifest.json")).unwrap();
    let Manifest { mut entries } = serde_json::from_slice(&manifest).unwrap();
    entries.retain(|entry| entry.endpoint == endpoint && vendors.contains(&&*entry.provider));
    assert!(
        entries.len() >= at_least,
        "only {} recordings",
        entries.len()
    );
    Some(Recordings { folder, entries })
}

impl Recordings {
    pub(super) fn load(&self, file: &str) -> Vec<u8> {
        fs::read(self.folder.join(file)).unwrap()
    }
}
