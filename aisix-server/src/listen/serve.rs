use std::io;
use std::net::SocketAddr;
use std::net::TcpListener as StdListener;
use std::net::TcpStream as StdStream;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::Drain;
use super::Hold;
use super::HttpOptions;
use super::MakeService;
use super::Phase;
use super::balance::Seat;
use super::balance::Share;
use super::connection::connection;

/// First pause after an accept that failed for want of something; doubled up to [`MAX_BACKOFF`].
const MIN_BACKOFF: Duration = Duration::from_millis(5);
const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Accepts connections of `listener` and serves each in a task of the current runtime.
///
/// Resolves once `drain` closes; connections that are open then are among what the drain waits for.
///
/// # Errors
///
/// Returns an error when the runtime cannot watch the socket, at once or never.
pub async fn serve<M: MakeService>(
    listener: StdListener,
    make: M,
    options: HttpOptions,
    drain: Drain,
) -> io::Result<()> {
    serve_share(listener, make, options, drain, None).await
}

/// As [`serve`], as one of several loops that share their connections evenly.
pub(super) async fn serve_share<M: MakeService>(
    listener: StdListener,
    make: M,
    options: HttpOptions,
    drain: Drain,
    mut share: Option<Share>,
) -> io::Result<()> {
    // Nothing is over while somebody may still accept.
    let _hold = drain.hold();
    let listener = TcpListener::from_std(listener)?;
    let server = Arc::new(Server {
        make,
        options,
        drain,
    });
    let mut closing = std::pin::pin!(server.drain.reached(Phase::Closing));
    let mut backoff = MIN_BACKOFF;
    loop {
        let accepted = tokio::select! {
            () = &mut closing => return Ok(()),
            accepted = listener.accept() => accepted,
            arrival = Share::next(&mut share) => {
                server.take_in(arrival);
                continue;
            }
        };
        let error = match accepted {
            Ok((stream, peer)) => {
                backoff = MIN_BACKOFF;
                server.place(stream, peer, share.as_ref());
                continue;
            }
            Err(error) => error,
        };
        if is_of_one_connection(&error) {
            continue;
        }
        // Out of descriptors or memory: accepting again at once would only burn the processor.
        tracing::warn!(%error, pause = ?backoff, "cannot accept connections");
        tokio::select! {
            () = &mut closing => return Ok(()),
            () = sleep(backoff) => {}
        }
        backoff = (backoff * 2).min(MAX_BACKOFF);
    }
}

/// A connection that another loop accepted.
pub(super) struct Arrival {
    pub(super) stream: StdStream,
    pub(super) peer: SocketAddr,
    pub(super) hold: Hold,
    pub(super) seat: Seat,
}

struct Server<M> {
    make: M,
    options: HttpOptions,
    drain: Drain,
}

impl<M: MakeService> Server<M> {
    fn place(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, share: Option<&Share>) {
        let hold = self.drain.hold();
        let Some(share) = share else {
            return self.start(stream, peer, hold, None);
        };
        let seat = share.seat();
        if share.is_ours(&seat) {
            return self.start(stream, peer, hold, Some(seat));
        }
        match stream.into_std() {
            Ok(stream) => share.pass_on(Arrival {
                stream,
                peer,
                hold,
                seat,
            }),
            Err(error) => tracing::debug!(%error, "connection lost"),
        }
    }

    fn take_in(self: &Arc<Self>, arrival: Arrival) {
        match TcpStream::from_std(arrival.stream) {
            Ok(stream) => self.start(stream, arrival.peer, arrival.hold, Some(arrival.seat)),
            Err(error) => tracing::debug!(%error, "connection lost"),
        }
    }

    fn start(
        self: &Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        hold: Hold,
        seat: Option<Seat>,
    ) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection lost");
            return;
        }
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let service = server.make.make(peer);
            connection(stream, service, &server.options, &server.drain).await;
            drop((seat, hold));
        });
    }
}

/// Whether the next connection can be accepted all the same.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_want_of_something_pauses_the_loop() {
        // EMFILE, ENFILE, ENOBUFS, ENOMEM on Linux.
        for code in [24, 23, 105, 12] {
            assert!(!is_of_one_connection(&io::Error::from_raw_os_error(code)));
        }
        // ECONNABORTED, EINTR, EHOSTUNREACH: accept(2) hands on errors of the new connection.
        for code in [103, 4, 113] {
            assert!(is_of_one_connection(&io::Error::from_raw_os_error(code)));
        }
    }
}
