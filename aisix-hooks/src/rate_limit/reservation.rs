use aisix_core::call::{Call, Caller};
use aisix_core::error::{Error, ErrorKind, RetryAdvice};
use aisix_core::reply::Outcome;
use http::HeaderMap;
use std::time::Duration;

use super::headers::Quotas;
use super::meter::{Meter, Refusal};
use super::window::{Now, Window};

/// An admitted call: what its key and its model have counted for it.
#[derive(Debug)]
pub(super) struct Reservation {
    key: Option<Meter>,
    model: Option<Meter>,
}

impl Reservation {
    /// Admits `call` by its key and by its model, or by neither.
    pub(super) fn admit(call: &Call, quotas: &mut Quotas) -> Result<Self, Error> {
        let key = call.caller().and_then(Caller::api_key).and_then(Meter::key);
        let model = call.model_entry().and_then(Meter::model);
        let now = Now::read();
        if let Some(meter) = &key {
            meter
                .admit(now, quotas)
                .map_err(|refusal| refused(meter, refusal, quotas))?;
        }
        if let Some(meter) = &model
            && let Err(refusal) = meter.admit(now, quotas)
        {
            if let Some(key) = &key {
                key.take_back(now);
            }
            return Err(refused(meter, refusal, quotas));
        }
        Ok(Self { key, model })
    }

    /// Whether there is anything to settle.
    pub(super) fn is_metered(&self) -> bool {
        self.key.is_some() || self.model.is_some()
    }

    /// Frees the places of a call that has ended, and counts its tokens.
    pub(super) fn settle(self, outcome: &Outcome) {
        let tokens = outcome.usage().total();
        let now = Now::read();
        for meter in [self.key, self.model].into_iter().flatten() {
            meter.release();
            meter.charge(tokens, now);
        }
    }
}

fn refused(meter: &Meter, refusal: Refusal, quotas: &Quotas) -> Error {
    let of = meter.name();
    let (kind, message, retry_after) = match refusal {
        Refusal::Requests {
            limit,
            window,
            retry_after,
        } => (
            ErrorKind::RateLimited,
            format!(
                "Rate limit reached for this {of}: {limit} requests per {}.",
                unit(window)
            ),
            retry_after,
        ),
        Refusal::Tokens {
            limit,
            window,
            retry_after,
        } => (
            ErrorKind::RateLimited,
            format!(
                "Rate limit reached for this {of}: {limit} tokens per {}.",
                unit(window)
            ),
            retry_after,
        ),
        Refusal::Concurrency { limit } => (
            ErrorKind::ConcurrencyLimited,
            format!("Concurrency limit reached for this {of}: {limit} calls at once."),
            Duration::from_secs(1),
        ),
    };
    let mut headers = HeaderMap::new();
    quotas.write(&mut headers);
    Error::new(kind, message)
        .with_retry(RetryAdvice::After(retry_after))
        .with_headers(headers)
}

const fn unit(window: Window) -> &'static str {
    match window {
        Window::Second => "second",
        Window::Minute => "minute",
        Window::Hour => "hour",
        Window::Day => "day",
    }
}
