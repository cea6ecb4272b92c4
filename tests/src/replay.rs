//! Recorded answers, each behind an address of its own and with a model of its own in the gateway.

use std::sync::Arc;

use serde_json::json;

use crate::fixtures::Fixture;
use crate::resources::{KEY, Resources};
use crate::server::Server;
use crate::upstream::{Answer, Upstream};

/// An upstream that plays recorded answers, and a gateway in front of it.
#[derive(Debug)]
pub struct Replay {
    /// What is played.
    pub fixtures: Arc<Vec<Fixture>>,
    /// The upstream.
    pub upstream: Upstream,
    /// The gateway.
    pub server: Server,
}

impl Replay {
    /// Starts both.
    pub async fn start(fixtures: Vec<Fixture>) -> Self {
        let fixtures = Arc::new(fixtures);
        let upstream = play(&fixtures).await;
        let mut resources = Resources::empty().api_key(KEY, &["*"], json!({}));
        for (at, fixture) in fixtures.iter().enumerate() {
            let id = format!("fx{at}");
            resources = resources
                .provider_key(&id, &fixture.provider, &address(&upstream, at))
                .model(&name(at), &id, &upstream_model(fixture));
        }
        let server = Server::start(&resources).await;
        Self {
            fixtures,
            upstream,
            server,
        }
    }
}

/// An upstream that plays each fixture at its [`address`], whatever is asked.
pub async fn play(fixtures: &Arc<Vec<Fixture>>) -> Upstream {
    let upstream = Upstream::start().await;
    let all = Arc::clone(fixtures);
    upstream.respond(move |request| {
        let at = request
            .uri
            .path()
            .split('/')
            .nth(2)
            .and_then(|at| at.parse::<usize>().ok());
        let fixture = &all[at.expect("a path with a number")];
        Answer::body(
            fixture.status,
            &fixture.content_type,
            fixture.response.clone(),
        )
    });
    upstream
}

/// The API base of the fixture at this place.
pub fn address(upstream: &Upstream, at: usize) -> String {
    format!("http://{}/fx/{at}", upstream.addr())
}

/// The gateway's model of the fixture at this place.
pub fn name(at: usize) -> String {
    format!("fixture/{at}")
}

/// The model that the recorded request asks for.
pub fn upstream_model(fixture: &Fixture) -> String {
    let model = fixture.request_json()["model"].as_str().map(str::to_owned);
    model.unwrap_or_else(|| fixture.model.clone())
}
