use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;

/// Connections that wait to be accepted, for each socket. Linux caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A port that belongs to this process, with one socket for each accept loop.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    local_addr: SocketAddr,
}

/// Why a port could not be taken: one line that names the address.
#[derive(Debug)]
pub struct BindError {
    addr: SocketAddr,
    source: io::Error,
}

impl Listener {
    /// Takes `addr` with `sockets` listening sockets (at least one).
    ///
    /// The kernel spreads new connections over the sockets. On systems where it does not
    /// (`SO_REUSEPORT` balances on Linux only) all of them share one queue.
    ///
    /// # Errors
    ///
    /// Returns an error when another socket listens there, of this process or of another one.
    pub fn bind(addr: SocketAddr, sockets: usize) -> Result<Self, BindError> {
        let error = |source| BindError { addr, source };
        let first = bind_exclusively(addr).map_err(error)?;
        let local_addr = local_addr(&first).map_err(error)?;
        let rest = more_sockets(&first, local_addr, sockets.saturating_sub(1)).map_err(error)?;
        Ok(Self {
            sockets: std::iter::once(first).chain(rest).map(Into::into).collect(),
            local_addr,
        })
    }

    /// The address that was taken; tells the port when 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The sockets, non-blocking, one for each accept loop.
    pub fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }
}

impl BindError {
    /// The address that was asked for.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addr = self.addr;
        match self.source.kind() {
            io::ErrorKind::AddrInUse => write!(f, "address already in use: {addr}"),
            io::ErrorKind::AddrNotAvailable => write!(f, "address is not of this machine: {addr}"),
            io::ErrorKind::PermissionDenied => write!(f, "address needs more privileges: {addr}"),
            _ => write!(f, "cannot listen on {addr}: {}", self.source),
        }
    }
}

impl StdError for BindError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

/// Binds and listens without `SO_REUSEPORT`, so that a port that anybody listens on is refused.
fn bind_exclusively(addr: SocketAddr) -> io::Result<Socket> {
    let socket = socket(addr)?;
    socket.bind(&addr.into())?;
    if cfg!(target_os = "linux") {
        // Linux asks a bound socket for the option when the next one binds, so that setting it
        // now lets our own sockets in beside it and leaves no moment at which the port is free.
        socket.set_reuse_port(true)?;
    }
    socket.listen(BACKLOG)?;
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn more_sockets(_: &Socket, addr: SocketAddr, count: usize) -> io::Result<Vec<Socket>> {
    let bind = |_| {
        let socket = socket(addr)?;
        socket.set_reuse_port(true)?;
        socket.bind(&addr.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket)
    };
    (0..count).map(bind).collect()
}

#[cfg(not(target_os = "linux"))]
fn more_sockets(first: &Socket, _: SocketAddr, count: usize) -> io::Result<Vec<Socket>> {
    (0..count).map(|_| first.try_clone()).collect()
}

fn socket(addr: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Accepted sockets inherit it on Linux; `serve` sets it again where they do not.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

fn local_addr(socket: &Socket) -> io::Result<SocketAddr> {
    let addr = socket.local_addr()?;
    addr.as_socket()
        .ok_or_else(|| io::Error::other("is no internet address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_refused_even_beside_sockets_that_share_it() {
        let listener = Listener::bind(loopback(), 4).unwrap();
        let addr = listener.local_addr();
        for sockets in [1, 4] {
            let error = Listener::bind(addr, sockets).unwrap_err();
            assert_eq!(error.to_string(), format!("address already in use: {addr}"));
        }
        drop(listener);
        Listener::bind(addr, 2).unwrap();
    }

    #[test]
    fn a_port_of_a_plain_listener_is_refused() {
        let plain = TcpListener::bind(loopback()).unwrap();
        let addr = plain.local_addr().unwrap();
        let error = Listener::bind(addr, 2).unwrap_err();
        assert_eq!(error.to_string(), format!("address already in use: {addr}"));
    }

    #[test]
    fn every_socket_has_the_same_port() {
        let listener = Listener::bind(loopback(), 3).unwrap();
        let addr = listener.local_addr();
        let sockets = listener.into_sockets();
        assert_eq!(sockets.len(), 3);
        assert!(sockets.iter().all(|one| one.local_addr().unwrap() == addr));
    }

    #[test]
    fn says_that_an_address_is_of_another_machine() {
        let error = Listener::bind(SocketAddr::from(([192, 0, 2, 1], 0)), 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "address is not of this machine: 192.0.2.1:0"
        );
    }

    fn loopback() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }
}
