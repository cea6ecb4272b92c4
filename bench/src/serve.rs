//! Listening, for `upstream` and `bare`: HTTP/1.1 on the same runtimes that `aisix` may use.

use std::{
    convert::Infallible, error::Error as StdError, io, net::SocketAddr, thread, time::Duration,
};

use clap::{Args, ValueEnum};
use http_body::Body;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{net::TcpListener, runtime};

/// Where to listen, and on how many threads.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The address to listen on.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Threads; by default one for each core.
    #[arg(long, default_value_t = cores())]
    pub threads: usize,
    /// One runtime for each thread, or one that steals work between them.
    #[arg(long, value_enum, default_value_t = Flavour::PerCore)]
    pub runtime: Flavour,
}

/// How threads share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Flavour {
    /// A single-threaded runtime on each thread, with its own listener (`SO_REUSEPORT`).
    PerCore,
    /// One work-stealing runtime.
    Multi,
}

/// Serves until the process is killed. `make` is called once for each runtime.
pub fn run<M, S, B>(options: &Options, make: M) -> io::Result<()>
where
    M: Fn() -> S + Send + Sync,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    match options.runtime {
        Flavour::Multi => {
            let runtime = runtime::Builder::new_multi_thread()
                .worker_threads(options.threads)
                .enable_all()
                .build()?;
            // Spawned, so that the accepting task, too, runs on a worker and not beside them.
            let listener = bind(options.listen)?;
            let service = make();
            runtime.block_on(async { tokio::spawn(accept(listener, service)).await })??;
            Ok(())
        }
        Flavour::PerCore => thread::scope(|scope| {
            let threads: Vec<_> = (0..options.threads)
                .map(|_| {
                    scope.spawn(|| {
                        let runtime = runtime::Builder::new_current_thread()
                            .enable_all()
                            .build()?;
                        runtime.block_on(accept(bind(options.listen)?, make()))
                    })
                })
                .collect();
            for thread in threads {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a thread panicked")))?;
            }
            Ok(())
        }),
    }
}

async fn accept<S, B>(listener: std::net::TcpListener, service: S) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let listener = TcpListener::from_std(listener)?;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors: the next one is free when a connection closes.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        stream.set_nodelay(true)?;
        let service = service.clone();
        tokio::spawn(async move {
            // A caller that hangs up is no event here: `load` counts what it did not get.
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            drop(connection.await);
        });
    }
}

fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
