//! What the whole-system tests need beside Rust: the official SDKs, which need Python and Node.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::shell::{Result, read, root, step, words, works};

/// The SDKs as published on the day that the tests were last looked at.
const OPENAI_PYTHON: &str = "3.57.0";
const OPENAI_NODE: &str = "7.57.0";

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
        println!(
            "   openai {OPENAI_PYTHON} for Python: {}",
            clients.python.display()
        );
        println!(
            "   openai {OPENAI_NODE} for Node:   {}",
            clients.node_modules.display()
        );
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
    let version = "import openai; print(openai.__version__)";
    let installed = read(Command::new(&python).args(["-c", version]));
    if installed.is_ok_and(|version| version.trim() == OPENAI_PYTHON) {
        return Ok(python);
    }
    step(
        "Python environment",
        Command::new("python3").args(["-m", "venv"]).arg(venv),
    )?;
    let mut pip = Command::new(&python);
    pip.args(words("-m pip install --quiet --disable-pip-version-check"));
    step(
        "openai for Python",
        pip.arg(format!("openai=={OPENAI_PYTHON}")),
    )?;
    Ok(python)
}

fn node(dir: &Path) -> Result<PathBuf> {
    let modules = dir.join("node_modules");
    let manifest = fs::read_to_string(modules.join("openai/package.json")).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap_or_default();
    if manifest["version"] == OPENAI_NODE {
        return Ok(modules);
    }
    fs::create_dir_all(dir)?;
    fs::write(
        dir.join("package.json"),
        "{\"private\": true, \"type\": \"module\"}\n",
    )?;
    let mut npm = Command::new("npm");
    npm.current_dir(dir)
        .args(words("install --no-audit --no-fund --loglevel=error"));
    step("openai for Node", npm.arg(format!("openai@{OPENAI_NODE}")))?;
    Ok(modules)
}
