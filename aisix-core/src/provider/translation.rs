use std::collections::VecDeque;

use super::pump::{EventReader, Progress};
use crate::conversation::ChatEvent;
use crate::dialect::StreamDecoder;
use crate::error::Result;
use crate::reply::StreamItem;
use crate::sse::Event;

/// Reads a stream of another dialect than the caller's: each event becomes none, one or several of
/// the neutral conversation, which are written in the caller's dialect at the other end.
pub(super) struct Translation {
    decoder: Box<dyn StreamDecoder>,
    ready: VecDeque<ChatEvent>,
    /// Reused for what each event gives.
    read: Vec<ChatEvent>,
}

impl Translation {
    pub(super) fn new(decoder: Box<dyn StreamDecoder>) -> Self {
        Self {
            decoder,
            ready: VecDeque::new(),
            read: Vec::new(),
        }
    }
}

impl EventReader for Translation {
    fn event(&mut self, event: &Event, progress: Progress) -> Result<Progress> {
        let result = self.decoder.event(event, &mut self.read);
        let progress = if self.decoder.is_done() {
            Progress::Done
        } else if self.read.is_empty() {
            // What says nothing promises nothing.
            progress
        } else {
            Progress::Open
        };
        self.ready.extend(self.read.drain(..));
        result.map(|()| progress)
    }

    fn end(&mut self, _: Progress) -> Result<()> {
        let result = self.decoder.end(&mut self.read);
        self.ready.extend(self.read.drain(..));
        result
    }

    fn is_full(&self) -> bool {
        !self.ready.is_empty()
    }

    fn take_ready(&mut self) -> Option<StreamItem> {
        self.ready.pop_front().map(StreamItem::Event)
    }
}
