use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;

use crate::call::Call;
use crate::conversation::ChatEvent;
use crate::error::Result;
use crate::reply::{
    Content, EndGuard, EventStream, Frames, Reply, ReplyBody, ReplyMeta, StreamItem, Tally,
};

/// Takes a reply the way the gateway does, so that its [`Reply::on_end`] callbacks see what they
/// would see there.
///
/// Dropping it is a caller who leaves.
///
/// ```
/// use aisix_core::reply::Reply;
/// use aisix_core::testing::{Delivery, TestCall};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let reply = Reply::text("4").on_end(|outcome| assert_eq!(outcome.end().as_str(), "complete"));
/// Delivery::of(&TestCall::chat("m").build(), reply).finish().await.unwrap();
/// # });
/// ```
#[must_use = "a delivery that is dropped is a caller who leaves"]
pub struct Delivery {
    meta: ReplyMeta,
    events: Option<EventStream>,
    end: Option<EndGuard>,
}

impl Delivery {
    /// Begins to deliver `reply`, the answer to `call`.
    pub fn of(call: &Call, reply: Reply) -> Self {
        let (meta, body, mut end) = reply.into_parts(Tally::of(call));
        end.tally_mut().status = meta.status;
        let events = match body {
            ReplyBody::Stream(events) => Some(events),
            ReplyBody::Full(_) => None,
        };
        Self {
            meta,
            events,
            end: Some(end),
        }
    }

    /// What is known beside the answer itself.
    #[must_use]
    pub fn meta(&self) -> &ReplyMeta {
        &self.meta
    }

    /// Delivers the next item of a stream; a whole answer has none.
    ///
    /// `None` is the end, of which the callbacks have heard by then, as they have of an error.
    pub async fn next(&mut self) -> Option<Result<StreamItem>> {
        let item = match &mut self.events {
            Some(events) => poll_fn(|cx| Pin::new(&mut *events).poll_next(cx)).await,
            None => None,
        };
        match &item {
            Some(Ok(item)) => self.count(item),
            Some(Err(error)) => {
                self.events = None;
                if let Some(mut end) = self.end.take() {
                    end.fail(error);
                }
            }
            None => {
                self.events = None;
                if let Some(end) = self.end.take() {
                    end.complete();
                }
            }
        }
        item
    }

    /// Delivers the rest.
    ///
    /// # Errors
    ///
    /// What a stream broke off with.
    pub async fn finish(mut self) -> Result<()> {
        while let Some(item) = self.next().await {
            item?;
        }
        Ok(())
    }

    fn count(&mut self, item: &StreamItem) {
        let Some(end) = &mut self.end else { return };
        match item {
            StreamItem::Frames(frames) => end.tally_mut().frames(frames),
            StreamItem::Event(event) => {
                let usage = match event {
                    ChatEvent::Usage { usage, .. } => Some(*usage),
                    _ => None,
                };
                let mut content = Content::default();
                content.add(event.content_bytes());
                end.tally_mut()
                    .frames(&Frames::new(Bytes::new(), content, usage));
            }
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("meta", &self.meta)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
