use aisix_core::call::{Call, Caller};
use aisix_core::error::{Error, ErrorKind, RetryAdvice};
use aisix_core::reply::Outcome;
use http::HeaderMap;

use super::headers::Quotas;
use super::meter::{Meter, Refusal};
use super::window::{Clock, Now, Window};

/// An admitted call: what its key and its model have counted for it.
#[derive(Debug)]
pub(super) struct Reservation {
    key: Option<Meter>,
    model: Option<Meter>,
}

impl Reservation {
    /// Admits `call` by its key and by its model, or by neither; `None` if nothing limits it.
    pub(super) fn admit(
        call: &Call,
        clock: &Clock,
        quotas: &mut Quotas,
    ) -> Result<Option<Self>, Error> {
        let key = call.caller().and_then(Caller::api_key).and_then(Meter::key);
        let model = call.model_entry().and_then(Meter::model);
        if key.is_none() && model.is_none() {
            return Ok(None);
        }
        let now = clock.now();
        match count(key.as_ref(), model.as_ref(), now, quotas) {
            Ok(()) => Ok(Some(Self { key, model })),
            Err((meter, refusal)) => {
                // What was counted on the way has been given back: how things stand is read anew,
                // also for the limits that were not asked any more.
                *quotas = Quotas::default();
                refusal.note(now, quotas);
                for meter in [&key, &model].into_iter().flatten() {
                    meter.observe(now, quotas);
                }
                Err(refused(meter, refusal, now, quotas))
            }
        }
    }

    /// Frees the places of a call that has ended, and counts its tokens.
    pub(super) fn settle(self, outcome: &Outcome, now: Now) {
        let tokens = outcome.usage().total();
        for meter in [self.key, self.model].into_iter().flatten() {
            meter.release();
            meter.charge(tokens, now);
        }
    }
}

/// Counts a request with both, or with neither: then the one that refuses is the error.
fn count<'a>(
    key: Option<&'a Meter>,
    model: Option<&'a Meter>,
    now: Now,
    quotas: &mut Quotas,
) -> Result<(), (&'a Meter, Refusal)> {
    let mut counted = None;
    if let Some(key) = key {
        let admission = key.admit(now, quotas).map_err(|refusal| (key, refusal))?;
        counted = Some((key, admission));
    }
    if let Some(model) = model
        && let Err(refusal) = model.admit(now, quotas)
    {
        if let Some((key, admission)) = counted {
            key.take_back(&admission);
        }
        return Err((model, refusal));
    }
    Ok(())
}

fn refused(meter: &Meter, refusal: Refusal, now: Now, quotas: &Quotas) -> Error {
    let of = meter.name();
    let (kind, message) = match refusal {
        Refusal::Requests { limit, window } => (
            ErrorKind::RateLimited,
            format!(
                "Rate limit reached for this {of}: {limit} requests per {}.",
                unit(window)
            ),
        ),
        Refusal::Tokens { limit, window } => (
            ErrorKind::RateLimited,
            format!(
                "Rate limit reached for this {of}: {limit} tokens per {}.",
                unit(window)
            ),
        ),
        Refusal::Concurrency { limit } => (
            ErrorKind::ConcurrencyLimited,
            format!("Concurrency limit reached for this {of}: {limit} calls at once."),
        ),
    };
    let mut headers = HeaderMap::new();
    quotas.write(&mut headers);
    let retry_after = refusal.lasts(now).max(quotas.exhausted_for());
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
