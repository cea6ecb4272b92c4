//! Files of the repository, for the parts of `check` that read them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::shell::Result;

/// Every file below `dir` whose name ends in `.extension`, sorted; what git ignores is left out.
pub fn files(dir: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(dir, extension, &mut found).map_err(|error| format!("{}: {error}", dir.display()))?;
    found.sort();
    Ok(found)
}

fn collect(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            if !hidden && name != "target" && name != "node_modules" && name != "dist" {
                collect(&entry.path(), extension, found)?;
            }
        } else if entry.path().extension().is_some_and(|one| one == extension) {
            found.push(entry.path());
        }
    }
    Ok(())
}
