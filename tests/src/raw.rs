//! A caller that sends any bytes it likes, in any pieces, and looks at what comes back byte for
//! byte.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::resources::KEY;
use crate::wait::soon;

/// One connection.
#[derive(Debug)]
pub struct RawClient {
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// One answer as it stood on the wire.
#[derive(Clone, Debug)]
pub struct RawReply {
    /// The status code.
    pub status: u16,
    /// The head, without the blank line.
    pub head: String,
    /// The body, freed of its chunks.
    pub body: Vec<u8>,
    /// Whether the body came to its end: its length, or the last chunk.
    pub complete: bool,
}

impl RawClient {
    /// Connects.
    pub async fn connect(addr: SocketAddr) -> Self {
        let socket = TcpStream::connect(addr).await.expect("the gateway listens");
        socket.set_nodelay(true).expect("a TCP socket");
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    /// Sends bytes; what the other end does not take any more is no failure here.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        soon("the gateway to take bytes", self.socket.write_all(bytes)).await
    }

    /// Says that nothing more will come, and goes on reading.
    pub async fn finish_sending(&mut self) {
        drop(self.socket.shutdown().await);
    }

    /// Reads one answer; `None` if the connection closes without one.
    pub async fn reply(&mut self) -> Option<RawReply> {
        let head_end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            if !self.fill().await {
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..head_end]).into_owned();
        self.buffer.drain(..head_end + 4);
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or_else(|| panic!("no status in {head:?}"));
        if status == 100 {
            return Some(RawReply::bare(status, head));
        }
        let lower = head.to_ascii_lowercase();
        let (body, complete) = if lower.contains("transfer-encoding: chunked") {
            self.chunks().await
        } else if let Some(length) = length(&lower) {
            self.sized(length).await
        } else {
            while self.fill().await {}
            (std::mem::take(&mut self.buffer), true)
        };
        Some(RawReply {
            status,
            head,
            body,
            complete,
        })
    }

    /// Waits for the connection to close, and returns what came before that.
    pub async fn closed(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.buffer)
    }

    /// Whether the other end has closed the connection, or has answered; waits for nothing.
    pub fn is_closed_or_answered(&self) -> bool {
        match self.socket.try_read(&mut [0; 1]) {
            Ok(_) => true,
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    async fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let Some(line) = find(&self.buffer, b"\r\n") else {
                if self.fill().await {
                    continue;
                }
                return (body, false);
            };
            let size = String::from_utf8_lossy(&self.buffer[..line]).into_owned();
            let size = usize::from_str_radix(size.trim(), 16)
                .unwrap_or_else(|_| panic!("chunk size {size:?}"));
            while self.buffer.len() < line + 2 + size + 2 {
                if !self.fill().await {
                    body.extend_from_slice(&self.buffer[line + 2..]);
                    return (body, false);
                }
            }
            body.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            self.buffer.drain(..line + 2 + size + 2);
            if size == 0 {
                return (body, true);
            }
        }
    }

    async fn sized(&mut self, length: usize) -> (Vec<u8>, bool) {
        while self.buffer.len() < length {
            if !self.fill().await {
                return (std::mem::take(&mut self.buffer), false);
            }
        }
        (self.buffer.drain(..length).collect(), true)
    }

    /// Reads more; `false` at the end, a reset included.
    async fn fill(&mut self) -> bool {
        let read = self.socket.read_buf(&mut self.buffer);
        matches!(soon("bytes from the gateway", read).await, Ok(n) if n > 0)
    }
}

impl RawReply {
    fn bare(status: u16, head: String) -> Self {
        Self {
            status,
            head,
            body: Vec::new(),
            complete: true,
        }
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The bytes of a chat request with [`KEY`].
pub fn chat_request(body: &[u8]) -> Vec<u8> {
    let mut bytes = chat_head(&format!("content-length: {}\r\n", body.len())).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// The head of a chat request with [`KEY`] and these header lines.
pub fn chat_head(lines: &str) -> String {
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n\
         content-type: application/json\r\n{lines}\r\n"
    )
}

fn length(lower: &str) -> Option<usize> {
    lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|value| value.trim().parse().ok())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
