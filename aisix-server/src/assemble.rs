//! The whole composition: read this first.

use std::time::{Duration, SystemTime};

use aisix_core::config::{ConfigSource, Driver};
use aisix_core::error::Result;
use aisix_core::gateway::Gateway;
use aisix_core::hook::Slots;
use aisix_core::provider::{Registry, Timeouts};
use aisix_core::resource::Environment;
use aisix_hooks::access::AccessLayer;
use aisix_hooks::access_log::{AccessLogLayer, Record};
use aisix_hooks::auth::AuthLayer;
use aisix_hooks::rate_limit::RateLimitLayer;
use aisix_hooks::retry::RetryLayer;
use aisix_providers::transport::HyperClient;
use tower::util::option_layer;

use crate::access_log::{self, AccessLog};
use crate::config::{self, Config};
use crate::upstream::PerThread;

/// The gateway that `config` describes, with the resources of `source`.
///
/// # Errors
///
/// Returns an error when `source` has no first state, or a certificate cannot be read.
pub async fn assemble(
    config: &Config,
    source: impl ConfigSource,
    environment: Environment,
    log: Option<AccessLog>,
) -> Result<(Gateway, Driver)> {
    let hooks = Slots::new()
        // Every request leaves a line, refused ones too.
        .edge(option_layer(log.map(|log| {
            AccessLogLayer::new(move |record: &Record<'_>| {
                log.write(|line| line_of(record).format(line));
            })
        })))
        // Nothing is said to a stranger, not even that a request is malformed.
        .policy(AuthLayer::new())
        // A model that may not be used is not counted.
        .policy(AccessLayer::new())
        // One request is counted once, however often the upstream is asked.
        .policy(RateLimitLayer::new())
        // What failed before its first byte is tried again.
        .routing(RetryLayer::new().with_retries(config.upstream.retries));

    Gateway::builder()
        .config(source)
        .environment(environment)
        .providers(providers(&config.upstream)?)
        .body_limit(config.proxy.request_body_limit)
        .keep_alive(config.downstream.sse_keepalive_interval)
        .hooks(hooks)
        .build()
        .await
}

fn providers(config: &config::Upstream) -> Result<Registry> {
    let timeouts = Timeouts::none()
        .with_total(config.timeout)
        .with_stream_gap(config.stream_timeout);
    let mut client = HyperClient::builder()
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(config.pool_idle_timeout)
        // What a model's resource leaves open is bounded by nothing else.
        .response_headers_timeout(config.timeout.unwrap_or(LONGEST_WAIT))
        .read_gap_timeout(config.stream_timeout.unwrap_or(LONGEST_WAIT));
    if let Some(file) = &config.tls.ca_file {
        client = client.ca_cert_file(file);
    }
    // A connection belongs to the thread that made it, so that cores do not wake each other.
    let client = PerThread::new(client.build()?);
    Ok(aisix_providers::providers()
        .with_client(client)
        .with_timeouts(timeouts))
}

fn line_of<'a>(record: &Record<'a>) -> access_log::Record<'a> {
    let (context, outcome) = (record.context(), record.outcome());
    let metered = record.operation().is_inference();
    let mut line = access_log::Record::new(
        SystemTime::now() - outcome.duration(),
        context.method().as_str(),
        context.path(),
        outcome.status().as_u16(),
    );
    line.request_id = record.request_id().into();
    line.key_id = record.caller_id().map(Into::into);
    line.caller = context.peer();
    line.model = record.model().map(Into::into);
    line.provider = record.provider();
    line.outcome = Some(outcome.end().as_str().into());
    line.stream = record.is_stream();
    line.bytes = outcome.bytes();
    line.input_tokens = metered.then_some(outcome.usage().input_tokens);
    line.output_tokens = metered.then_some(outcome.usage().output_tokens);
    line.estimated = metered && outcome.is_estimated();
    line.ttft = outcome.time_to_first_token();
    line.duration = outcome.duration();
    line
}

/// OpenAI's own clients give up after ten minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(600);
