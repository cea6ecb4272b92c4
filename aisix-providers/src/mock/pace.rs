use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::vec;

use aisix_core::conversation::{ChatEvent, ChatResponse, PartKind};
use aisix_core::error::Result;
use futures_core::Stream;
use tokio::time::{Instant, Sleep};

use super::Script;

/// An answer as a stream of events, one after the other.
pub(super) struct Paced {
    events: vec::IntoIter<ChatEvent>,
    sent: usize,
    script: Script,
    wait: Option<Pin<Box<Sleep>>>,
    failed: bool,
}

impl Paced {
    pub(super) fn new(response: ChatResponse, script: &Script) -> Self {
        let wait = (!script.pace.is_zero()).then(|| Box::pin(tokio::time::sleep(Duration::ZERO)));
        let events = word_by_word(response).into_iter();
        Self {
            events,
            sent: 0,
            script: script.clone(),
            wait,
            failed: false,
        }
    }
}

impl Stream for Paced {
    type Item = Result<ChatEvent>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let cut = this.script.cut_error(this.sent);
        if this.failed || (cut.is_none() && this.events.len() == 0) {
            return Poll::Ready(None);
        }
        if let Some(wait) = &mut this.wait {
            ready!(wait.as_mut().poll(cx));
            wait.as_mut().reset(Instant::now() + this.script.pace);
        }
        if let Some(error) = cut {
            this.failed = true;
            return Poll::Ready(Some(Err(error)));
        }
        this.sent += 1;
        Poll::Ready(this.events.next().map(Ok))
    }
}

/// The events of an answer, its text cut at the spaces.
fn word_by_word(mut response: ChatResponse) -> Vec<ChatEvent> {
    for choice in &mut response.choices {
        for part in std::mem::take(&mut choice.message.parts) {
            match part.kind {
                PartKind::Text(text) => {
                    let words = text
                        .split_inclusive(' ')
                        .map(|word| PartKind::Text(word.into()));
                    choice.message.parts.extend(words.map(Into::into));
                }
                _ => choice.message.parts.push(part),
            }
        }
    }
    response.into_events()
}
