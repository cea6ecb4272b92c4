//! The gateway on hyper alone: a listener, a task for each connection, nothing else.
//!
//! Run with `cargo run -p aisix-examples --bin plain_hyper`, then
//!
//! ```sh
//! curl http://127.0.0.1:3000/v1/chat/completions -H 'Content-Type: application/json' \
//!   -d '{"model": "demo", "messages": [{"role": "user", "content": "Hello"}], "stream": true}'
//! ```
//!
//! No hook asks for a key here: whoever reaches the port may use every model.

use std::error::Error;
use std::io;

use aisix_core::config::MemoryStore;
use aisix_core::error::Result;
use aisix_core::gateway::Gateway;
use aisix_core::resource::Kind;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::TcpListener;

/// A gateway that speaks for itself: one model, which needs no account.
pub async fn app() -> Result<Gateway> {
    let model = json!({"display_name": "demo", "provider": "mock", "model_name": "demo"});
    let (gateway, driver) = Gateway::builder()
        .config(MemoryStore::new().with(Kind::Models, "demo", model))
        .providers(aisix_providers::providers())
        .build()
        .await?;
    tokio::spawn(driver);
    Ok(gateway)
}

/// Serves `gateway` to whoever connects.
pub async fn serve(listener: TcpListener, gateway: Gateway) -> io::Result<()> {
    loop {
        let (socket, peer) = listener.accept().await?;
        socket.set_nodelay(true)?;
        // A gateway for each connection: hooks see the peer's address, and connections do not
        // contend on one reference count.
        let service = TowerToHyperService::new(gateway.with_peer(peer));
        tokio::spawn(async move {
            let connection = auto::Builder::new(TokioExecutor::new());
            let served = connection.serve_connection(TokioIo::new(socket), service);
            if let Err(error) = served.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    serve(listener, app().await?).await?;
    Ok(())
}
