use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use tokio::runtime::Builder;

use super::Drain;
use super::HttpOptions;
use super::Listener;
use super::MakeService;
use super::Phase;
use super::balance::Share;
use super::serve::serve_share;

/// Threads that each serve a part of a listener's connections, on a runtime of their own.
///
/// Nothing that a connection needs is shared with another core, unless the service shares it.
#[derive(Debug)]
pub struct PerCore {
    threads: Vec<JoinHandle<()>>,
}

impl PerCore {
    /// How many cores this process may use.
    pub fn cores() -> usize {
        thread::available_parallelism().map_or(1, Into::into)
    }

    /// Starts one thread for each socket of `listener`.
    ///
    /// `make` is called on each thread, inside its runtime, with the number of the core: what it
    /// makes, pools of upstream connections for one, can belong to that core alone. The runtimes
    /// end when `drain` is [done](Phase::Done).
    ///
    /// # Errors
    ///
    /// Returns an error when a thread or its runtime cannot be started.
    pub fn start<F, M>(
        listener: Listener,
        options: HttpOptions,
        drain: &Drain,
        make: F,
    ) -> io::Result<Self>
    where
        F: Fn(usize) -> M + Send + Sync + 'static,
        M: MakeService,
    {
        let sockets = listener.into_sockets();
        let shares = Share::split(sockets.len());
        let make = Arc::new(make);
        let threads = sockets.into_iter().zip(shares).enumerate();
        let threads = threads.map(|(core, (socket, share))| {
            let part = Part {
                core,
                socket,
                share,
                options: options.clone(),
                drain: drain.clone(),
            };
            part.start(Arc::clone(&make))
        });
        Ok(Self {
            threads: threads.collect::<io::Result<_>>()?,
        })
    }

    /// Waits for the threads. Blocks: call it when the drain is done.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a core's thread panicked");
            }
        }
    }
}

struct Part {
    core: usize,
    socket: StdListener,
    share: Share,
    options: HttpOptions,
    drain: Drain,
}

impl Part {
    fn start<F, M>(self, make: Arc<F>) -> io::Result<JoinHandle<()>>
    where
        F: Fn(usize) -> M + Send + Sync + 'static,
        M: MakeService,
    {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name(format!("core-{}", self.core))
            .spawn(move || {
                runtime.block_on(async {
                    let done = self.drain.reached(Phase::Done);
                    let core = self.core;
                    let serving = serve_share(
                        self.socket,
                        make(core),
                        self.options,
                        self.drain,
                        Some(self.share),
                    );
                    if let Err(error) = serving.await {
                        tracing::error!(core, %error, "cannot serve");
                    }
                    // Connections that are draining run on this runtime.
                    done.await;
                });
            })
    }
}
