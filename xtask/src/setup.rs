//! What the whole-system tests need beside Rust: the official SDKs, which need Python and Node.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::shell::{Result, read, root, step, words, works};

/// What the SDK tests import, with the versions that they were last looked at with.
const PYTHON_PACKAGES: &str = "tests/sdk/python/requirements.txt";
const NODE_PACKAGES: &str = "tests/sdk/node/package.json";

/// Where the official clients are.
pub struct Clients {
    python: PathBuf,
    node_modules: PathBuf,
}

impl Clients {
    /// Installs what is missing below `target/`: nothing of it is global but Debian packages,
    /// and those only as root.
    pub fn install() -> Result<Self> {
        println!("\n== set-up");
        programs()?;
        let target = root().join("target");
        fs::create_dir_all(&target)?;
        let clients = Self {
            python: python(&target.join("venv"))?,
            node_modules: node(&target.join("node"))?,
        };
        println!("   Python: {}", clients.python.display());
        println!("   Node:   {}", clients.node_modules.display());
        Ok(clients)
    }

    /// Tells the tests, by environment variables.
    pub fn tell(&self, tests: &mut Command) {
        tests
            .env("AISIX_PYTHON", &self.python)
            .env("AISIX_NODE_MODULES", &self.node_modules)
            .env("NODE_PATH", &self.node_modules);
    }
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

fn python(venv: &Path) -> Result<PathBuf> {
    let python = venv.join("bin/python");
    let (wanted, installed) = (root().join(PYTHON_PACKAGES), venv.join("requirements.txt"));
    if same(&wanted, &installed) && python.exists() {
        return Ok(python);
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
    Ok(python)
}

fn node(dir: &Path) -> Result<PathBuf> {
    let modules = dir.join("node_modules");
    let (wanted, installed) = (root().join(NODE_PACKAGES), modules.join("package.json"));
    if same(&wanted, &installed) {
        return Ok(modules);
    }
    fs::create_dir_all(dir)?;
    fs::copy(&wanted, dir.join("package.json"))?;
    let mut npm = Command::new("npm");
    npm.current_dir(dir)
        .args(words("install --no-audit --no-fund --loglevel=error"));
    step("packages for Node", &mut npm)?;
    fs::copy(wanted, installed)?;
    Ok(modules)
}

/// Whether what is installed is what is wanted: the list is copied when all of it is there.
fn same(wanted: &Path, installed: &Path) -> bool {
    matches!((fs::read(wanted), fs::read(installed)), (Ok(a), Ok(b)) if a == b)
}
