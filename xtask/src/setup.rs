//! What the whole-system tests need beside Rust: the official SDKs, which need Python and Node.

use std::{fs, path::Path, process::Command};

use crate::shell::{Result, read, root, step, target_dir, words, works};

/// What the SDK tests import, with the versions that they were last looked at with.
const PYTHON_PACKAGES: &str = "tests/sdk/python/requirements.txt";
const NODE_PACKAGES: &str = "tests/sdk/node/package.json";

/// Installs what is missing into the target folder, where the tests look for it. Nothing is global
/// but Debian packages, and those are installed as root only.
pub fn install() -> Result {
    println!("\n== set-up");
    programs()?;
    let target = target_dir();
    fs::create_dir_all(&target)?;
    python(&target.join("venv"))?;
    node(&target.join("node"))
}

/// A program that the system provides.
struct Need {
    what: &'static str,
    debian: &'static str,
    there: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need {
        what: "Python 3 with venv",
        debian: "python3-venv",
        there: || works("python3", ["-c", "import venv, ensurepip"]),
    },
    Need {
        what: "Node.js",
        debian: "nodejs",
        there: || works("node", ["--version"]),
    },
    Need {
        what: "npm",
        debian: "npm",
        there: || works("npm", ["--version"]),
    },
];

fn programs() -> Result {
    let missing: Vec<_> = NEEDS.iter().filter(|need| !(need.there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.debian).collect();
    if works("apt-get", ["--version"]) && is_root() {
        apt_install(&packages)?;
    }
    let still: Vec<_> = missing
        .iter()
        .filter(|need| !(need.there)())
        .map(|need| need.what)
        .collect();
    if still.is_empty() {
        return Ok(());
    }
    Err(format!(
        "missing for the tests with the official SDKs: {}\n  \
         Debian, Ubuntu: sudo apt-get install {}\n  \
         elsewhere: install them as your system does\n  \
         or leave these tests out: cargo xtask test --without-sdks",
        still.join(", "),
        packages.join(" "),
    )
    .into())
}

pub fn is_root() -> bool {
    read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

pub fn apt_install(packages: &[&str]) -> Result {
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    step("apt-get update", apt().args(["update", "-qq"]))?;
    let install = words("install -y -qq --no-install-recommends");
    step("apt-get install", apt().args(install).args(packages))
}

fn python(venv: &Path) -> Result {
    let python = venv.join("bin/python");
    let (wanted, installed) = (root().join(PYTHON_PACKAGES), venv.join("requirements.txt"));
    if same(&wanted, &installed) && python.exists() {
        return Ok(());
    }
    step(
        "Python environment",
        Command::new("python3").args(["-m", "venv"]).arg(venv),
    )?;
    let mut pip = Command::new(&python);
    pip.args(words(
        "-m pip install --quiet --disable-pip-version-check -r",
    ));
    step("packages for Python", pip.arg(&wanted))?;
    fs::copy(wanted, installed)?;
    Ok(())
}

fn node(dir: &Path) -> Result {
    let modules = dir.join("node_modules");
    let (wanted, installed) = (root().join(NODE_PACKAGES), modules.join("package.json"));
    if same(&wanted, &installed) {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    fs::copy(&wanted, dir.join("package.json"))?;
    let mut npm = Command::new("npm");
    npm.current_dir(dir)
        .args(words("install --no-audit --no-fund --loglevel=error"));
    step("packages for Node", &mut npm)?;
    fs::copy(wanted, installed)?;
    Ok(())
}

/// Whether what is installed is what is wanted: the list is copied when all of it is there.
fn same(wanted: &Path, installed: &Path) -> bool {
    matches!((fs::read(wanted), fs::read(installed)), (Ok(a), Ok(b)) if a == b)
}
