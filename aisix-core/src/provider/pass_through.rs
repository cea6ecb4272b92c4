use bytes::{Bytes, BytesMut};

use super::pump::{EventReader, Progress, broken_off};
use crate::conversation::Usage;
use crate::dialect::{Dialect, EventHead};
use crate::error::Result;
use crate::reply::{Content, Frames, StreamItem};
use crate::sse::Event;

/// Reads a stream of the caller's own dialect on its way through: events are looked at, their
/// `model` is replaced, and everything else stays as it came.
pub(super) struct PassThrough {
    dialect: &'static dyn Dialect,
    /// The name that the caller asked for, as a JSON string.
    model: Bytes,
    /// The caller did not ask for the event that only tells the usage.
    withhold_usage: bool,
    ready: Ready,
}

#[derive(Default)]
struct Ready {
    bytes: BytesMut,
    content: Content,
    usage: Option<Usage>,
}

impl PassThrough {
    pub(super) fn new(dialect: &'static dyn Dialect, model: Bytes, withhold_usage: bool) -> Self {
        Self {
            dialect,
            model,
            withhold_usage,
            ready: Ready::default(),
        }
    }
}

impl EventReader for PassThrough {
    fn event(&mut self, event: &Event, progress: Progress) -> Result<Progress> {
        let Some(data) = event.data() else {
            // Comments keep the connection alive; an event without data breaks official SDKs.
            if event.is_comment() {
                self.ready.bytes.extend_from_slice(event.raw());
            }
            return Ok(progress);
        };
        let head = self.dialect.scan_event(&data)?;
        if let Some(error) = head.error {
            return Err(error);
        }
        if let Some(usage) = head.usage {
            let known = self.ready.usage.unwrap_or_default();
            self.ready.usage = Some(known.updated_by(&usage));
        }
        let progress = if head.is_done {
            Progress::Done
        } else if head.is_finish {
            Progress::Finished
        } else if head.is_preamble || says_nothing(&head) {
            // It promises nothing: an upstream that fails behind it has failed at once.
            progress
        } else {
            Progress::Open
        };
        if head.is_usage_only && self.withhold_usage {
            return Ok(progress);
        }
        self.ready.content.add(head.content_bytes);
        let raw = event.raw();
        match (head.model, event.data_span()) {
            (Some(model), Some(data)) => {
                let (start, end) = (data.start + model.start, data.start + model.end);
                self.ready.bytes.extend_from_slice(&raw[..start]);
                self.ready.bytes.extend_from_slice(&self.model);
                self.ready.bytes.extend_from_slice(&raw[end..]);
            }
            _ => self.ready.bytes.extend_from_slice(raw),
        }
        Ok(progress)
    }

    fn end(&mut self, progress: Progress) -> Result<()> {
        if progress < Progress::Finished {
            return Err(broken_off());
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.ready.bytes.len() >= WRITE_LIMIT
    }

    fn take_ready(&mut self) -> Option<StreamItem> {
        let Ready {
            bytes,
            content,
            usage,
        } = &mut self.ready;
        if bytes.is_empty() && usage.is_none() {
            return None;
        }
        let frames = Frames::new(
            bytes.split().freeze(),
            std::mem::take(content),
            usage.take(),
        );
        Some(StreamItem::Frames(frames))
    }
}

/// Whether it is like a ping.
fn says_nothing(head: &EventHead) -> bool {
    !head.is_opening && head.model.is_none() && head.usage.is_none() && head.content_bytes == 0
}

/// Frames are handed on when they have grown to this, even while more is ready.
const WRITE_LIMIT: usize = 64 << 10;
