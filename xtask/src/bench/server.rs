//! A server that the benchmark starts, and ends.

use std::{
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::shell::Result;

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
}

impl Server {
    /// Starts a program with as many open files as it may have; what it prints goes to `log`.
    pub fn start(program: &Path, args: &[String], dir: &Path, log: &Path) -> Result<Self> {
        Self::start_with(program, args, &[], dir, log)
    }

    pub fn start_with(
        program: &Path,
        args: &[String],
        env: &[(&str, String)],
        dir: &Path,
        log: &Path,
    ) -> Result<Self> {
        let file = File::create(log)?;
        let child = Command::new("sh")
            .args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\""])
            .arg(program)
            .args(args)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Self { child })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `GET path` is answered with 200; says how long that took.
    pub fn ready(&mut self, address: SocketAddr, path: &str, log: &Path) -> Result<Duration> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if get(address, path).is_ok_and(|status| status == 200) {
                return Ok(start.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{}: it ended with {status}\n{said}", log.display()).into());
            }
            thread::sleep(Duration::from_micros(500));
        }
        Err(format!("no answer from {address}{path}: see {}", log.display()).into())
    }

    /// Waits until something listens.
    pub fn listening(&mut self, address: SocketAddr, log: &Path) -> Result {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{}: it ended with {status}\n{said}", log.display()).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(format!("nothing listens on {address}: see {}", log.display()).into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // nginx ends its workers on SIGTERM, and would leave them behind on SIGKILL.
        let pid = self.pid().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An address that nothing listens on.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn get(address: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other("no HTTP"))
}
