//! The binary `aisix`, started as an operator starts it.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::binary::{binary, free_port};
use crate::client::Client;
use crate::resources::{Resources, merge};
use crate::wait::{SOON, soon};

/// A running gateway; killed when dropped. A panic anywhere in its log fails the test.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: TempDir,
    addr: SocketAddr,
    started: Instant,
    ready_after: Duration,
}

/// A gateway in the making.
#[derive(Debug)]
pub struct Builder {
    folder: TempDir,
    config: Option<Value>,
    env: Vec<(String, String)>,
    args: Option<Vec<String>>,
}

/// How a process ended, and what it said.
#[derive(Debug)]
pub struct Exit {
    /// The exit status.
    pub status: ExitStatus,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

// === impl Server ===

impl Server {
    /// Starts a gateway on `resources` with the configuration of [`Builder::new`].
    pub async fn start(resources: &Resources) -> Self {
        Self::builder().resources(resources).start().await
    }

    /// A gateway whose configuration the test changes.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Where the proxy listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What an SDK is given as its base URL.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// A client with the key that may do anything.
    pub fn client(&self) -> Client {
        Client::new(self.addr)
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// From the start of the process to the first 200 of `/readyz`.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// The folder with the configuration, and the working directory of the process.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything said on standard output so far.
    pub fn stdout(&self) -> String {
        read_lossy(&self.folder.path().join("stdout.log"))
    }

    /// Everything said on standard error so far.
    pub fn stderr(&self) -> String {
        read_lossy(&self.folder.path().join("stderr.log"))
    }

    /// Both.
    pub fn log(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// Sends a signal: `TERM`, `INT`, `HUP`, `KILL`.
    pub fn signal(&self, name: &str) {
        // The shell's own `kill`: the binary of that name is no part of a small Debian.
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{name} {}", self.pid()))
            .status()
            .expect("sh runs");
        assert!(status.success(), "kill -{name} {}", self.pid());
    }

    /// Replaces the resources file as an editor does, by a rename, and says so with SIGHUP.
    pub fn reload(&self, resources: &Value) {
        self.reload_text(&resources.to_string());
    }

    /// As [`reload`](Self::reload), with any text.
    pub fn reload_text(&self, text: &str) {
        let path = self.folder.path().join("resources.yaml");
        let new = self.folder.path().join("resources.yaml.new");
        fs::write(&new, text).expect("the file can be written");
        fs::rename(&new, &path).expect("the file can be renamed");
        self.signal("HUP");
    }

    /// Waits for the process to end, and returns how, and how long that took.
    pub async fn exited(&mut self) -> (ExitStatus, Duration) {
        let since = Instant::now();
        let child = &mut self.child;
        let status = soon("the gateway to exit", async {
            loop {
                if let Some(status) = child.try_wait().expect("the child is ours") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        (status, since.elapsed())
    }

    /// Kills the process as a power cut would, if it still runs, and hands back its folder for a
    /// second start without a configuration file.
    pub async fn kill(mut self) -> Builder {
        self.child.kill().expect("the child is ours");
        self.exited().await;
        let next = TempDir::new().expect("a temporary folder");
        let folder = std::mem::replace(&mut self.folder, next);
        Builder {
            folder,
            config: None,
            env: Vec::new(),
            args: None,
        }
    }

    /// The resident memory of the process in bytes.
    pub fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()))
            .expect("the process has a status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .expect("a living process has a VmRSS");
        let kilobytes: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("VmRSS is a number of kB");
        kilobytes * 1024
    }

    /// How many file descriptors the process holds.
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid()))
            .expect("the process has descriptors")
            .count()
    }

    async fn wait_until_ready(&mut self) {
        let client = self.client();
        let deadline = Instant::now() + SOON;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child is ours") {
                panic!(
                    "the gateway exited with {status} before it was ready:\n{}",
                    self.log()
                );
            }
            if client
                .try_get("/readyz")
                .await
                .is_ok_and(|reply| reply.status == 200)
            {
                break;
            }
            assert!(Instant::now() < deadline, "never ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.ready_after = self.started.elapsed();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("--- the gateway said ---\n{}", tail(&log));
        } else {
            assert!(!log.contains("panicked at"), "the gateway panicked:\n{log}");
        }
    }
}

// === impl Builder ===

impl Builder {
    /// A proxy on a free port with a resources file; no admin listener, no metrics, no retries,
    /// so that a test sees one upstream call for each of its own.
    pub fn new() -> Self {
        Self {
            folder: TempDir::new().expect("a temporary folder"),
            config: Some(json!({
                "resources_file": "resources.yaml",
                "admin": {"enabled": false},
                "observability": {"metrics": {"prometheus": {"enabled": false}}},
                "upstream": {"retries": 0},
            })),
            env: Vec::new(),
            args: None,
        }
        .resources(&Resources::empty())
    }

    /// No configuration file: the embedded default.
    pub fn embedded() -> Self {
        Self {
            config: None,
            ..Self::new()
        }
    }

    /// The content of the resources file.
    #[must_use]
    pub fn resources(self, resources: &Resources) -> Self {
        self.file("resources.yaml", &resources.to_value().to_string())
    }

    /// Any file in the working directory.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.folder.path().join(name), text).expect("the file can be written");
        self
    }

    /// Lays `patch` over the configuration.
    #[must_use]
    pub fn config(mut self, patch: Value) -> Self {
        merge(self.config.get_or_insert_with(|| json!({})), patch);
        self
    }

    /// Sets an environment variable of the process.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs with these arguments instead of `--config aisix.yaml`.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args = Some(args.iter().map(|arg| (*arg).to_owned()).collect());
        self
    }

    /// Where files of the test stand.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the process and waits until it is ready.
    pub async fn start(mut self) -> Server {
        let port = free_port();
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        match &mut self.config {
            Some(config) => merge(config, json!({"proxy": {"addr": addr.to_string()}})),
            None => self.set_embedded_addresses(addr),
        }
        let started = Instant::now();
        let child = self.spawn();
        let mut server = Server {
            child,
            folder: self.folder,
            addr,
            started,
            ready_after: Duration::ZERO,
        };
        server.wait_until_ready().await;
        server
    }

    /// Runs the process to its end.
    pub async fn run(self) -> Exit {
        let mut child = self.spawn();
        let status = soon("the process to exit by itself", async {
            loop {
                if let Some(status) = child.try_wait().expect("the child is ours") {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        Exit {
            status,
            stdout: read_lossy(&self.folder.path().join("stdout.log")),
            stderr: read_lossy(&self.folder.path().join("stderr.log")),
        }
    }

    fn set_embedded_addresses(&mut self, addr: SocketAddr) {
        self.env
            .push(("AISIX_PROXY__ADDR".to_owned(), addr.to_string()));
    }

    fn spawn(&self) -> Child {
        let folder = self.folder.path();
        if let Some(config) = &self.config {
            // JSON is YAML.
            fs::write(folder.join("aisix.yaml"), config.to_string()).expect("a writable folder");
        }
        let default = match &self.config {
            Some(_) => vec!["--config".to_owned(), "aisix.yaml".to_owned()],
            None => Vec::new(),
        };
        let mut command = Command::new(binary());
        command
            .args(self.args.as_ref().unwrap_or(&default))
            .current_dir(folder)
            // Nothing of the developer's own set-up may reach the process.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("RUST_BACKTRACE", "1")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(File::create(folder.join("stdout.log")).expect("a writable folder"))
            .stderr(File::create(folder.join("stderr.log")).expect("a writable folder"));
        command.spawn().expect("the binary starts")
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

fn tail(log: &str) -> &str {
    let mut start = log.len().saturating_sub(8_000);
    while !log.is_char_boundary(start) {
        start += 1;
    }
    &log[start..]
}
