//! The server of an upstream: takes requests, records them, and plays the answers.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{Answer, End, Recorded, State, Step};

type Body = Pin<Box<dyn http_body::Body<Data = Bytes, Error = Cut> + Send>>;

/// The error that makes hyper break the connection.
#[derive(Debug)]
struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut by the script")
    }
}

impl std::error::Error for Cut {}

/// Tells the test how the answer ended, also when hyper drops it.
struct Guard(watch::Sender<Option<End>>);

impl Guard {
    fn played(&self) {
        self.0.send_replace(Some(End::Played));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.send_if_modified(|end| {
            let first = end.is_none();
            end.get_or_insert(End::Cancelled);
            first
        });
    }
}

pub(super) async fn accept(listener: TcpListener, state: Arc<State>) {
    // Connections live in the set, so that they end with the upstream.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            continue;
        };
        *state.connections.lock().unwrap() += 1;
        socket.set_nodelay(true).expect("a TCP socket");
        connections.spawn(serve(socket, Arc::clone(&state)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(socket: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(answer(request, &state).await) }
    });
    // A broken connection is what many tests are about.
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(socket), service)
            .await,
    );
}

async fn answer(request: Request<Incoming>, state: &State) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Response::new(Box::pin(http_body_util::Empty::new().map_err(|_| Cut)));
    };
    let (sender, end) = watch::channel(None);
    let guard = Guard(sender);
    let recorded = Recorded {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body: body.to_bytes(),
        end,
    };
    let answer = next_answer(&recorded, state);
    state.requests.lock().unwrap().push(recorded);
    play(answer, guard).await
}

fn next_answer(recorded: &Recorded, state: &State) -> Answer {
    if let Some(answer) = state.queue.lock().unwrap().pop_front() {
        return answer;
    }
    let respond = state.respond.lock().unwrap().clone();
    match respond {
        Some(respond) => respond(recorded),
        None => Answer::body(500, "text/plain", "the test expected no call"),
    }
}

async fn play(answer: Answer, guard: Guard) -> Response<Body> {
    for step in answer.before {
        drop(take(step).await);
    }
    let steps = stream::unfold(
        (answer.steps.into_iter(), guard),
        |(mut steps, guard)| async move {
            for step in steps.by_ref() {
                match take(step).await {
                    Ok(Some(bytes)) => return Some((Ok(Frame::data(bytes)), (steps, guard))),
                    Ok(None) => {}
                    Err(cut) => return Some((Err(cut), (steps, guard))),
                }
            }
            guard.played();
            None
        },
    );
    let mut response = Response::new(Box::pin(StreamBody::new(steps)) as Body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

async fn take(step: Step) -> Result<Option<Bytes>, Cut> {
    match step {
        Step::Send(bytes) => {
            // One frame, one write: without this, hyper joins frames that are ready together.
            tokio::task::yield_now().await;
            Ok(Some(bytes))
        }
        Step::Pause(time) => {
            tokio::time::sleep(time).await;
            Ok(None)
        }
        Step::Wait(gate) => {
            gate.pass().await;
            Ok(None)
        }
        Step::Stall => std::future::pending().await,
        Step::Cut => {
            // What was sent before must be on the wire, or hyper would drop it with the connection.
            tokio::time::sleep(Duration::from_millis(20)).await;
            Err(Cut)
        }
    }
}
