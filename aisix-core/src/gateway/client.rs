use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::Gateway;
use crate::call::{Call, Operation, Payload};
use crate::conversation::{ChatEvent, ChatRequest, ChatResponse};
use crate::conversation::{EmbeddingsRequest, EmbeddingsResponse};
use crate::dialect::{Carry, Dialect, OPENAI_CHAT, OPENAI_EMBEDDINGS, StreamDecoder};
use crate::error::{Error, Result};
use crate::reply::{Answer, Content, EndGuard, EventStream, Frames, ReplyBody, StreamItem, Tally};
use crate::sse::Scanner;

/// A conversation's next turn, asked for in this process: await it for the whole answer, or take
/// its [`stream`](ChatCall::stream).
#[must_use = "nothing is asked before the call is awaited"]
pub struct ChatCall {
    gateway: Gateway,
    request: ChatRequest,
}

/// The events of an answer, typed.
///
/// Dropping it cancels the upstream call.
pub struct ChatEvents {
    events: EventStream,
    decoder: Option<Box<dyn StreamDecoder>>,
    scanner: Scanner,
    ready: VecDeque<ChatEvent>,
    end: Option<EndGuard>,
}

impl Gateway {
    /// Asks for a conversation's next turn, through the same hooks as every other call.
    ///
    /// Say first who asks, with [`Gateway::as_caller`].
    pub fn chat(&self, request: ChatRequest) -> ChatCall {
        ChatCall {
            gateway: self.clone(),
            request,
        }
    }

    /// Asks for vectors, through the same hooks as every other call.
    ///
    /// # Errors
    ///
    /// What a hook or the provider says.
    pub async fn embeddings(&self, request: EmbeddingsRequest) -> Result<EmbeddingsResponse> {
        let dialect = self.local.shared.dialect(OPENAI_EMBEDDINGS);
        let payload = Payload::from_embeddings(dialect, &request)?;
        let call = Call::new(self.context(), Operation::Embeddings, payload);
        let tally = Tally::of(&call);
        let (_, body, end) = self.execute(call).await?.into_parts(tally);
        let response = match body {
            ReplyBody::Full(Answer::Embeddings(response)) => *response,
            ReplyBody::Full(Answer::Wire { bytes, .. }) => dialect
                .embeddings()
                .ok_or_else(not_typed)?
                .read_response(&bytes)?,
            ReplyBody::Full(Answer::Chat(_)) | ReplyBody::Stream(_) => return Err(not_typed()),
        };
        end.complete();
        Ok(response)
    }
}

// === impl ChatCall ===

impl ChatCall {
    /// Asks for the answer as a stream of events.
    ///
    /// # Errors
    ///
    /// What a hook or the provider says before the first event.
    pub async fn stream(mut self) -> Result<ChatEvents> {
        self.request.stream = true;
        // Nobody in this process counts on the usage being absent.
        self.request.include_usage.get_or_insert(true);
        let (dialect, body, end) = self.send().await?;
        let (events, decoder) = match body {
            ReplyBody::Stream(events) => {
                let decoder = events.dialect().map(|_| codec(dialect)).transpose()?;
                (events, decoder.map(|codec| codec.decoder(Carry::default())))
            }
            ReplyBody::Full(answer) => {
                let chat = read(dialect, answer)?;
                let ready = chat.into_events().into_iter().collect();
                let events = EventStream::events(Nothing);
                return Ok(ChatEvents {
                    events,
                    decoder: None,
                    scanner: Scanner::new(),
                    ready,
                    end: Some(end),
                });
            }
        };
        let (scanner, ready) = (Scanner::new(), VecDeque::new());
        Ok(ChatEvents {
            events,
            decoder,
            scanner,
            ready,
            end: Some(end),
        })
    }

    async fn whole(mut self) -> Result<ChatResponse> {
        self.request.stream = false;
        match self.send().await? {
            (dialect, ReplyBody::Full(answer), end) => {
                let response = read(dialect, answer)?;
                end.complete();
                Ok(response)
            }
            (_, ReplyBody::Stream(_), _) => Err(not_typed()),
        }
    }

    async fn send(self) -> Result<(&'static dyn Dialect, ReplyBody, EndGuard)> {
        let Self { gateway, request } = self;
        let dialect = gateway.local.shared.dialect(OPENAI_CHAT);
        let payload = Payload::from_chat(dialect, request)?;
        let call = Call::new(gateway.context(), Operation::Chat, payload);
        let tally = Tally::of(&call);
        let (_, body, end) = gateway.execute(call).await?.into_parts(tally);
        Ok((dialect, body, end))
    }
}

impl IntoFuture for ChatCall {
    type Output = Result<ChatResponse>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<ChatResponse>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.whole())
    }
}

impl fmt::Debug for ChatCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatCall")
            .field("model", &self.request.model)
            .finish_non_exhaustive()
    }
}

// === impl ChatEvents ===

impl ChatEvents {
    fn take(&mut self, item: StreamItem) -> Result<()> {
        match item {
            StreamItem::Event(event) => {
                let mut content = Content::default();
                content.add(event.content_bytes());
                let usage = event.usage_so_far().copied();
                self.count(&Frames::new(bytes::Bytes::new(), content, usage));
                self.ready.push_back(event);
            }
            StreamItem::Frames(frames) => {
                self.count(&frames);
                self.scanner.push(frames.bytes);
                let decoder = self.decoder.as_mut().ok_or_else(not_typed)?;
                let mut events = Vec::new();
                while let Some(event) = self.scanner.next_event()? {
                    decoder.event(&event, &mut events)?;
                }
                self.ready.extend(events);
            }
        }
        Ok(())
    }

    fn count(&mut self, frames: &Frames) {
        if let Some(end) = &mut self.end {
            end.tally_mut().frames(frames);
        }
    }

    fn finish(&mut self) -> Result<()> {
        if let Some(mut decoder) = self.decoder.take() {
            let mut events = Vec::new();
            decoder.end(&mut events)?;
            self.ready.extend(events);
        }
        if let Some(end) = self.end.take() {
            end.complete();
        }
        Ok(())
    }

    fn fail(&mut self, error: Error) -> Error {
        if let Some(mut end) = self.end.take() {
            end.fail(&error);
        }
        error
    }
}

impl Stream for ChatEvents {
    type Item = Result<ChatEvent>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(event) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if this.end.is_none() {
                return Poll::Ready(None);
            }
            let step = match ready!(Pin::new(&mut this.events).poll_next(cx)) {
                Some(item) => item.and_then(|item| this.take(item)),
                None => this.finish(),
            };
            if let Err(error) = step {
                return Poll::Ready(Some(Err(this.fail(error))));
            }
        }
    }
}

impl fmt::Debug for ChatEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatEvents")
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

/// A stream that has ended already.
struct Nothing;

impl Stream for Nothing {
    type Item = Result<ChatEvent>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

fn read(dialect: &dyn Dialect, answer: Answer) -> Result<ChatResponse> {
    match answer {
        Answer::Chat(response) => Ok(*response),
        Answer::Wire { bytes, .. } => codec(dialect)?.read_response(&bytes, &Carry::default()),
        Answer::Embeddings(_) => Err(not_typed()),
    }
}

fn codec(dialect: &dyn Dialect) -> Result<&dyn crate::dialect::ChatCodec> {
    dialect.chat().ok_or_else(not_typed)
}

fn not_typed() -> Error {
    Error::internal("the reply is not of the kind that was asked for")
}
