//! The life of a serving process: from its ports to the last connection.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use aisix_core::config::{ConfigSource, FileSource, Reload, read_resources};
use aisix_core::error::Error;
use aisix_core::resource::Environment;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::access_log::AccessLog;
use crate::assemble::assemble;
use crate::cli::Cli;
use crate::config::{Config, ConfigError, Env, Source};
use crate::demo::{self, Notice};
use crate::listen::{
    self, BindError, Drain, HttpOptions, Listener, PerCore, RealIp, TlsError, server_config,
};
use crate::status::{Health, ProxyService};
use crate::store::{self, EmbeddedStore, OpenError};
use crate::telemetry::init_logs;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A port cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The configuration file has problems.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The resources file has no valid resources.
    #[error("{}: {}", .0.display(), .1.message())]
    Resources(PathBuf, Error),
    /// A part cannot be assembled.
    #[error("{}", .0.message())]
    Assemble(#[from] Error),
    /// The system refuses a thread, a runtime or a signal.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes everything that the configured store, or resources file, holds to the standard output, as
/// a resources file.
///
/// # Errors
///
/// Returns an error when it cannot be read.
pub fn export(cli: &Cli, env: &Env) -> Result<(), ServeError> {
    let config = cli.config(env)?;
    let text = match &config.source {
        Source::Store(store) => {
            let store = EmbeddedStore::open(&store.path)?;
            Builder::new_current_thread()
                .build()?
                .block_on(store::export(&store))?
        }
        // As it is written: references to the environment stay references.
        Source::File(path) => {
            let text = std::fs::read_to_string(path)?;
            read_resources(&text, &env.environment()).map_err(Error::config)?;
            text
        }
        Source::Etcd(_) => return Err(Error::config("`etcd` is not built yet").into()),
    };
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}

impl ServeError {
    fn assemble(source: &Source, error: Error) -> Self {
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
    let Opened {
        source,
        reload,
        notice,
    } = open(config, &environment, addr).await?;
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
    // The port is open: whoever reads this may connect, and is served in a moment.
    announce(notice.as_ref())?;
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

/// Where the resources come from.
struct Opened {
    source: Box<dyn ConfigSource>,
    /// Has them read again.
    reload: Option<Reload>,
    /// What to tell whoever started the server.
    notice: Option<Notice>,
}

async fn open(
    config: &Config,
    environment: &Environment,
    addr: SocketAddr,
) -> Result<Opened, ServeError> {
    match &config.source {
        Source::File(path) => {
            let file = FileSource::new(path).with_environment(environment.clone());
            let reload = Some(file.reloader());
            Ok(Opened {
                source: Box::new(file),
                reload,
                notice: None,
            })
        }
        Source::Store(store) => {
            let demo = store.demo;
            let store = EmbeddedStore::open(&store.path)?;
            let mut notice = None;
            if demo {
                let key = demo::seed(&store).await?;
                let base = demo::base_url(addr, config.proxy.tls.is_some());
                notice = Some(Notice::new(base).with_key(key));
            }
            Ok(Opened {
                source: Box::new(store),
                reload: None,
                notice,
            })
        }
        Source::Etcd(_) => Err(Error::config("`etcd` is not built yet").into()),
    }
}

/// To the standard output, not to a log: it may show a key.
fn announce(notice: Option<&Notice>) -> io::Result<()> {
    match notice {
        Some(notice) => io::stdout().lock().write_all(notice.text().as_bytes()),
        None => Ok(()),
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
