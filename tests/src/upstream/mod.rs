//! A provider that does what the test tells it to.
//!
//! Each request takes the next [`Answer`] of the queue, or what [`Upstream::respond`] makes of it,
//! and is kept byte for byte. An answer is a list of [`Step`]s; a [`Gate`] between two of them is
//! opened by the test, so that order is proven without sleeping.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::wait::{soon, until};

mod answer;
mod play;

pub use answer::{Answer, Gate, Step};

/// A running upstream on a loopback port; gone when dropped.
#[derive(Debug)]
pub struct Upstream {
    addr: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

/// One request as it came in.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, byte for byte.
    pub body: Bytes,
    end: watch::Receiver<Option<End>>,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All steps were played.
    Played,
    /// The gateway went away before that.
    Cancelled,
}

type Respond = Arc<dyn Fn(&Recorded) -> Answer + Send + Sync>;

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Recorded>>,
    taken: Mutex<usize>,
    queue: Mutex<VecDeque<Answer>>,
    respond: Mutex<Option<Respond>>,
    connections: Mutex<usize>,
}

// === impl Upstream ===

impl Upstream {
    /// Starts one that answers 500 until it is told what to say.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a loopback port");
        let addr = listener.local_addr().expect("a bound listener");
        let state = Arc::new(State::default());
        let accepting = tokio::spawn(play::accept(listener, Arc::clone(&state)));
        Self {
            addr,
            state,
            accepting,
        }
    }

    /// Starts one that gives `answer` to every request.
    pub async fn always(answer: Answer) -> Self {
        let upstream = Self::start().await;
        upstream.respond(move |_| answer.clone());
        upstream
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a provider key is given as `api_base`.
    pub fn api_base(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Queues an answer for one request.
    pub fn push(&self, answer: Answer) {
        self.state.queue.lock().unwrap().push_back(answer);
    }

    /// Answers what `respond` says when the queue is empty.
    pub fn respond(&self, respond: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) {
        *self.state.respond.lock().unwrap() = Some(Arc::new(respond));
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.lock().unwrap().clone()
    }

    /// How many requests came in so far.
    pub fn calls(&self) -> usize {
        self.state.requests.lock().unwrap().len()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }

    /// The next request that no earlier call has returned; waits for it.
    pub async fn next_request(&self) -> Recorded {
        until("a request to reach the upstream", || async {
            let mut taken = self.state.taken.lock().unwrap();
            let request = self.state.requests.lock().unwrap().get(*taken).cloned();
            *taken += usize::from(request.is_some());
            request
        })
        .await
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

// === impl Recorded ===

impl Recorded {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the gateway sends JSON")
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("header text"))
    }

    /// Waits for the end of the answer.
    pub async fn ended(&self) -> End {
        let mut end = self.end.clone();
        let ended = soon("the upstream call to end", end.wait_for(Option::is_some)).await;
        ended.ok().and_then(|end| *end).unwrap_or(End::Cancelled)
    }

    /// Whether the answer is still being given.
    pub fn is_running(&self) -> bool {
        self.end.borrow().is_none()
    }
}

/// An upstream that reads a request's head and writes any bytes at all, then hangs up.
pub async fn raw(reply: &'static [u8]) -> (SocketAddr, impl Future<Output = ()> + Send) {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a loopback port");
    let addr = listener.local_addr().expect("a bound listener");
    let serve = async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 64 * 1024];
            drop(socket.read(&mut buffer).await);
            drop(socket.write_all(reply).await);
            drop(socket.shutdown().await);
        }
    };
    (addr, serve)
}
