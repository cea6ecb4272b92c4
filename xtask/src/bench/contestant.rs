//! Who takes part, how each is set up, and the load that they share.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use super::{
    options::{Options, cores},
    proc::{Cpu, Memory, family},
    scenario::Scenario,
    server::{Server, free_address},
};
use crate::{
    setup::{apt_install, is_root},
    shell::{Result, read, target_dir, works},
};

/// The key that every request carries, and its SHA-256.
const KEY: &str = "sk-bench";
const KEY_HASH: &str = "c00397de4384b5bbaf14c02fe1ec7020d28d1eeab6a722c576c84b6678c41c29";

/// The contestants, all running, and what stands behind them.
pub struct Field {
    pub contestants: Vec<Contestant>,
    _upstream: Server,
}

/// A proxy that is measured.
pub struct Contestant {
    pub name: &'static str,
    address: SocketAddr,
    server: Server,
}

impl Field {
    /// Starts the upstream, then every contestant that is wanted and there.
    pub fn start(options: &Options, work: &Path) -> Result<Self> {
        println!("\n== contestants");
        let upstream_at = free_address()?;
        let log = work.join("upstream.log");
        let args = [
            format!("--listen={upstream_at}"),
            format!("--threads={}", options.threads),
        ];
        let mut upstream = Server::start(&binary("upstream"), &args, work, &log)?;
        upstream.listening(upstream_at, &log)?;

        let mut contestants = Vec::new();
        if let Some(binary) = options.aisix() {
            contestants.push(aisix(
                "aisix",
                "openai",
                &binary,
                options,
                work,
                upstream_at,
            )?);
            if options.wants(TRANSLATED) {
                contestants.push(aisix(
                    TRANSLATED,
                    "anthropic",
                    &binary,
                    options,
                    work,
                    upstream_at,
                )?);
            }
        }
        contestants.push(bare(options, work, upstream_at)?);
        match options.wants("nginx").then(nginx_binary).flatten() {
            Some(binary) => contestants.push(nginx(&binary, options, work, upstream_at)?),
            None => println!("   nginx: LEFT OUT (apt-get install nginx-light would bring it)"),
        }
        for contestant in &contestants {
            println!(
                "   {:<10} pid {:>7} on {}",
                contestant.name,
                contestant.pid(),
                contestant.address
            );
        }
        Ok(Self {
            contestants,
            _upstream: upstream,
        })
    }

    /// Puts a contestant under load; what the load saw.
    pub fn load(&self, contestant: &Contestant, scenario: &Scenario) -> Result<Value> {
        let mut load = Command::new("sh");
        load.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\""])
            .arg(binary("load"))
            .args([
                format!("--to={}", contestant.address),
                format!("--key={KEY}"),
            ])
            .args(scenario.args());
        Ok(serde_json::from_str(&read(&mut load)?)?)
    }
}

impl Contestant {
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    pub fn family(&self) -> Vec<u32> {
        family(self.pid())
    }

    pub fn cpu(&self) -> Cpu {
        Cpu::of(&self.family())
    }

    pub fn memory(&self) -> Memory {
        Memory::of(&self.family())
    }

    /// Looks at its memory four times a second until asked for the peak.
    pub fn watch_memory(&self) -> Watch {
        let family = self.family();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut peak = Memory::default();
            while !stopped.load(Ordering::Relaxed) {
                peak = peak.max(Memory::of(&family));
                thread::park_timeout(Duration::from_millis(250));
            }
            peak.max(Memory::of(&family))
        });
        Watch { stop, thread }
    }
}

pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Memory>,
}

impl Watch {
    pub fn peak(self) -> Memory {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_default()
    }
}

fn binary(name: &str) -> PathBuf {
    target_dir().join("release").join(name)
}

/// With `--threads`, a contestant sees so many cores only: one that sizes itself has as many threads
/// as one that is told.
fn on_cores(
    options: &Options,
    program: &Path,
    args: impl IntoIterator<Item = String>,
) -> (PathBuf, Vec<String>) {
    if options.threads >= cores() {
        return (program.to_path_buf(), args.into_iter().collect());
    }
    let cores = format!("0-{}", options.threads.saturating_sub(1));
    let program = program.display().to_string();
    let pinned = ["-c".into(), cores, program].into_iter().chain(args);
    ("taskset".into(), pinned.collect())
}

/// The gateway in front of a provider that speaks another dialect than its callers.
pub const TRANSLATED: &str = "translated";

/// The gateway as an operator runs it: default hooks, limits, access log.
fn aisix(
    name: &'static str,
    provider: &str,
    binary: &Path,
    options: &Options,
    work: &Path,
    upstream: SocketAddr,
) -> Result<Contestant> {
    let work = &work.join(name);
    fs::create_dir_all(work)?;
    let (address, log) = (free_address()?, work.join("aisix.log"));
    let resources = format!(
        "\
_format_version: \"1\"
provider_keys:
  - id: bench
    display_name: bench
    provider: {provider}
    api_key: sk-upstream
    api_base: http://{upstream}/v1
models:
  - id: bench
    display_name: bench
    provider: {provider}
    model_name: m
    provider_key_id: bench
    rate_limit: {{rpm: 1000000000, concurrency: 1000000}}
api_keys:
  - id: bench
    display_name: bench
    key_hash: {KEY_HASH}
    allowed_models: [bench]
    rate_limit: {{rps: 10000000, rpm: 1000000000, tpm: 1000000000000, concurrency: 1000000}}
"
    );
    let config = format!(
        "\
resources_file: {}
proxy: {{addr: \"{address}\", thread_per_core: true}}
admin: {{enabled: false}}
observability: {{log_level: info, access_log: true}}
",
        work.join("resources.yaml").display(),
    );
    fs::write(work.join("resources.yaml"), resources)?;
    fs::write(work.join("aisix.yaml"), config)?;
    let args = [
        "--config".into(),
        work.join("aisix.yaml").display().to_string(),
    ];
    let (program, args) = on_cores(options, binary, args);
    let mut server = Server::start(&program, &args, work, &log)?;
    server.ready(address, "/readyz", &log)?;
    Ok(Contestant {
        name,
        address,
        server,
    })
}

fn bare(options: &Options, work: &Path, upstream: SocketAddr) -> Result<Contestant> {
    let (address, log) = (free_address()?, work.join("bare.log"));
    let args = [
        format!("--listen={address}"),
        format!("--upstream={upstream}"),
        format!("--threads={}", options.threads),
        format!("--runtime={}", options.runtime),
    ];
    let (program, args) = on_cores(options, &binary("bare"), args);
    let mut server = Server::start(&program, &args, work, &log)?;
    server.listening(address, &log)?;
    Ok(Contestant {
        name: "bare",
        address,
        server,
    })
}

fn nginx(
    binary: &Path,
    options: &Options,
    work: &Path,
    upstream: SocketAddr,
) -> Result<Contestant> {
    let (address, log) = (free_address()?, work.join("nginx.log"));
    let (dir, threads) = (work.display(), options.threads);
    let config = format!(
        "\
daemon off;
worker_processes {threads};
worker_rlimit_nofile 65536;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log warn;
events {{ worker_connections 16384; }}
http {{
    access_log {dir}/nginx-access.log combined;
    client_body_temp_path {dir}/nginx-body;
    proxy_temp_path {dir}/nginx-proxy;
    fastcgi_temp_path {dir}/nginx-fastcgi;
    uwsgi_temp_path {dir}/nginx-uwsgi;
    scgi_temp_path {dir}/nginx-scgi;
    tcp_nodelay on;
    keepalive_requests 100000000;
    # Held in memory, as the others do: a 100 kB request must not go through a file.
    client_max_body_size 10m;
    client_body_buffer_size 256k;
    upstream provider {{
        server {upstream};
        keepalive 4096;
        keepalive_requests 100000000;
    }}
    server {{
        listen {address} reuseport backlog=4096;
        location / {{
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_read_timeout 600s;
            # The upstream turns buffering off for its streams (X-Accel-Buffering: no).
        }}
    }}
}}
"
    );
    fs::write(work.join("nginx.conf"), config)?;
    let args = ["-c".into(), work.join("nginx.conf").display().to_string()];
    let (program, args) = on_cores(options, binary, args);
    let mut server = Server::start(&program, &args, work, &log)?;
    server.listening(address, &log)?;
    Ok(Contestant {
        name: "nginx",
        address,
        server,
    })
}

fn nginx_binary() -> Option<PathBuf> {
    let find = || {
        let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"];
        places.iter().map(PathBuf::from).find(|path| path.exists())
    };
    find().or_else(|| {
        let able = works("apt-get", ["--version"]) && is_root();
        able.then(|| apt_install(&["nginx-light"]).ok())
            .flatten()
            .and_then(|()| find())
    })
}
