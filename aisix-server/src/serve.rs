//! The life of a serving process: from its ports to the last connection.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use aisix_core::config::{ConfigSource, FileSource, Reload};
use aisix_core::resource::Environment;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::access_log::AccessLog;
use crate::assemble::assemble;
use crate::config::{Config, Env, Source};
use crate::listen::{
    self, BindError, Drain, HttpOptions, Listener, PerCore, RealIp, TlsError, server_config,
};
use crate::status::{Health, ProxyService};
use crate::store::{Demo, EmbeddedStore, StoreError};
use crate::telemetry::init_logs;

/// Why the server does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A port cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The resources file has no valid resources.
    #[error("{}: {}", .0.display(), .1.message())]
    Resources(PathBuf, aisix_core::error::Error),
    /// A part cannot be assembled.
    #[error("{}", .0.message())]
    Assemble(#[from] aisix_core::error::Error),
    /// The system refuses a thread, a runtime or a signal.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ServeError {
    fn assemble(source: &Source, error: aisix_core::error::Error) -> Self {
        match source {
            Source::File(path) => Self::Resources(path.clone(), error),
            Source::Etcd(_) | Source::Store(_) => Self::Assemble(error),
        }
    }
}

/// Serves until a signal ends it, and the last request has been answered.
///
/// # Errors
///
/// Returns an error when the server cannot start.
pub fn serve(config: &Config, env: &Env) -> Result<(), ServeError> {
    let options = http_options(config)?;
    let cores = if config.proxy.thread_per_core {
        PerCore::cores()
    } else {
        1
    };
    let listener = Listener::bind(config.proxy.addr.get(), cores)?;
    // A test that assembles two servers in one process has set up logs already.
    let _installed = init_logs(&config.observability.log_level);
    runtime(config)?.block_on(run(config, env, listener, options))
}

async fn run(
    config: &Config,
    env: &Env,
    listener: Listener,
    options: HttpOptions,
) -> Result<(), ServeError> {
    let environment = env.environment();
    let addr = listener.local_addr();
    let (source, reload) = source(config, &environment, addr).await?;
    let (log, flush) = config
        .observability
        .access_log
        .then(AccessLog::stdout)
        .unzip();
    let (gateway, driver) = assemble(config, source, environment, log)
        .await
        .map_err(|error| ServeError::assemble(&config.source, error))?;

    let drain = Drain::new();
    let health = Health::new(gateway.config_status().clone(), drain.clone());
    let make = ProxyService::maker(gateway, health, RealIp::new(&config.proxy.real_ip));
    let ended = drain.on_signals(config.shutdown.min_drain, config.shutdown.max_drain)?;
    let reloads = reloads(reload)?;
    let serving = start(config, listener, options, &drain, make)?;
    tracing::info!(%addr, "serving");

    tokio::select! {
        () = ended => {}
        () = driver => {}
        () = reloads => {}
    }
    serving.join().await;
    drop(flush);
    Ok(())
}

/// Where the resources come from, and how to have them read again.
async fn source(
    config: &Config,
    environment: &Environment,
    addr: SocketAddr,
) -> Result<(Box<dyn ConfigSource>, Option<Reload>), ServeError> {
    match &config.source {
        Source::File(path) => {
            let file = FileSource::new(path).with_environment(environment.clone());
            let reload = file.reloader();
            Ok((Box::new(file), Some(reload)))
        }
        Source::Store(store) => {
            let store = EmbeddedStore::open(&store.path)?;
            let demo = Demo::install(&store).await?;
            demo.announce(addr, config.proxy.tls.is_some());
            Ok((Box::new(store), None))
        }
        Source::Etcd(_) => Err(aisix_core::error::Error::config("`etcd` is not built yet").into()),
    }
}

/// Reads the resources again at each SIGHUP; never ends.
fn reloads(reload: Option<Reload>) -> io::Result<impl Future<Output = ()>> {
    let mut hangups = signal(SignalKind::hangup())?;
    Ok(async move {
        while hangups.recv().await.is_some() {
            match &reload {
                Some(reload) => {
                    tracing::info!("reading the resources again");
                    reload.reload();
                }
                None => tracing::info!("SIGHUP: the store tells its changes by itself"),
            }
        }
        std::future::pending().await
    })
}

fn http_options(config: &Config) -> Result<HttpOptions, ServeError> {
    let options = HttpOptions::new().with_idle_timeout(config.downstream.idle_timeout);
    Ok(match &config.proxy.tls {
        Some(tls) => options.with_tls(server_config(&tls.cert_file, &tls.key_file)?),
        None => options,
    })
}

/// The runtime of the process itself: beside the cores' own it only watches.
fn runtime(config: &Config) -> io::Result<Runtime> {
    if config.proxy.thread_per_core {
        return Builder::new_current_thread().enable_all().build();
    }
    Builder::new_multi_thread().enable_all().build()
}

/// The threads or the task that serve.
enum Serving {
    PerCore(PerCore),
    Shared(JoinHandle<io::Result<()>>),
}

fn start(
    config: &Config,
    listener: Listener,
    options: HttpOptions,
    drain: &Drain,
    make: impl Fn(SocketAddr) -> ProxyService + Clone + Send + Sync + 'static,
) -> io::Result<Serving> {
    if config.proxy.thread_per_core {
        let per_core = PerCore::start(listener, options, drain, move |_core| make.clone())?;
        return Ok(Serving::PerCore(per_core));
    }
    let socket = listener
        .into_sockets()
        .pop()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let serving = tokio::spawn(listen::serve(socket, make, options, drain.clone()));
    Ok(Serving::Shared(serving))
}

impl Serving {
    async fn join(self) {
        match self {
            Self::PerCore(threads) => {
                let joined = tokio::task::spawn_blocking(|| threads.join()).await;
                if joined.is_err() {
                    tracing::error!("waiting for the cores' threads failed");
                }
            }
            Self::Shared(serving) => match serving.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "the listener failed"),
                Err(error) => tracing::error!(%error, "the listener's task failed"),
            },
        }
    }
}
