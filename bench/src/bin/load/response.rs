//! Reads an HTTP/1.1 answer: its status, its framing, and the events in it.

use std::{io, time::Instant};

use bytes::{Buf, BytesMut};
use tokio::{io::AsyncReadExt, net::TcpStream};

/// What is left to read of a connection.
pub struct Reader {
    stream: TcpStream,
    buffer: BytesMut,
    reads: usize,
}

/// An answer that was read to its end.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    /// Blank lines that end an event.
    pub events: usize,
    pub first_event: Option<Instant>,
    /// Whether it ended with `data: [DONE]`.
    pub done: bool,
    /// Whether the connection ends with it.
    pub close: bool,
    /// How many reads brought something.
    pub reads: usize,
}

enum Framing {
    Length(usize),
    Chunked,
}

impl Reader {
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            reads: 0,
        }
    }

    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    pub async fn answer(&mut self) -> io::Result<Answer> {
        self.reads = 0;
        let (mut answer, framing) = self.head().await?;
        let mut events = Events::default();
        match framing {
            Framing::Length(length) => self.data(length, &mut events).await?,
            Framing::Chunked => loop {
                let size = self.chunk_size().await?;
                self.data(size, &mut events).await?;
                self.fill(2).await?;
                self.buffer.advance(2);
                if size == 0 {
                    break;
                }
            },
        }
        answer.done = events.tail == *DONE;
        answer.events = events.count;
        answer.first_event = events.first;
        answer.reads = self.reads;
        Ok(answer)
    }

    async fn head(&mut self) -> io::Result<(Answer, Framing)> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut headers);
            let parsed = response.parse(&self.buffer).map_err(io::Error::other)?;
            if let httparse::Status::Complete(length) = parsed {
                let status = response.code.unwrap_or_default();
                let value = |name: &str| {
                    let mut found = response
                        .headers
                        .iter()
                        .filter(|one| one.name.eq_ignore_ascii_case(name));
                    found.next().map(|one| String::from_utf8_lossy(one.value))
                };
                let framing = match value("content-length") {
                    Some(text) => Framing::Length(text.parse().map_err(io::Error::other)?),
                    None if value("transfer-encoding").is_some() => Framing::Chunked,
                    None => return Err(io::Error::other("an answer without framing")),
                };
                let close = value("connection").is_some_and(|value| value == "close");
                let answer = Answer {
                    status,
                    close,
                    ..Answer::default()
                };
                self.buffer.advance(length);
                return Ok((answer, framing));
            }
            self.read().await?;
        }
    }

    async fn chunk_size(&mut self) -> io::Result<usize> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let digits = self.buffer[..end]
                    .iter()
                    .take_while(|byte| byte.is_ascii_hexdigit());
                let text = String::from_utf8_lossy(&self.buffer[..digits.count()]).into_owned();
                self.buffer.advance(end + 1);
                return usize::from_str_radix(&text, 16).map_err(io::Error::other);
            }
            self.read().await?;
        }
    }

    async fn data(&mut self, mut length: usize, events: &mut Events) -> io::Result<()> {
        while length > 0 {
            if self.buffer.is_empty() {
                self.read().await?;
            }
            let part = length.min(self.buffer.len());
            events.see(&self.buffer[..part]);
            self.buffer.advance(part);
            length -= part;
        }
        Ok(())
    }

    async fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.buffer.len() < length {
            self.read().await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> io::Result<()> {
        self.buffer.reserve(4096);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.reads += 1;
        Ok(())
    }
}

/// Counts events in data that comes in any pieces.
#[derive(Default)]
struct Events {
    count: usize,
    first: Option<Instant>,
    tail: [u8; DONE.len()],
}

const DONE: &[u8; 14] = b"data: [DONE]\n\n";

impl Events {
    fn see(&mut self, data: &[u8]) {
        for at in memchr::memchr_iter(b'\n', data) {
            let before = if at == 0 {
                self.tail[DONE.len() - 1]
            } else {
                data[at - 1]
            };
            if before == b'\n' {
                self.count += 1;
                self.first.get_or_insert_with(Instant::now);
            }
        }
        let length = data.len().min(DONE.len());
        self.tail.rotate_left(length);
        self.tail[DONE.len() - length..].copy_from_slice(&data[data.len() - length..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_has_the_same_events() {
        let text = b"data: a\n\ndata: b\n\ndata: [DONE]\n\n";
        for at in 0..text.len() {
            let mut events = Events::default();
            events.see(&text[..at]);
            events.see(&text[at..]);
            assert_eq!((events.count, &events.tail), (3, DONE));
        }
    }
}
