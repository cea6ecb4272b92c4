//! One caller: a connection, and its requests one after another.

use std::{io, net::SocketAddr, rc::Rc, time::Instant};

use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::{
    response::Reader,
    tally::{Done, Tally},
};

pub struct Caller {
    pub to: SocketAddr,
    pub request: Rc<Vec<u8>>,
    /// How many chunks an answer must have, if it is a stream.
    pub chunks: Option<usize>,
    pub deadline: Option<Instant>,
    pub requests: usize,
}

impl Caller {
    /// Calls until it has had its share. After a failure it goes on, on a new connection.
    pub async fn run(self) -> Tally {
        let mut tally = Tally::default();
        let mut connection = None;
        for _ in 0..self.requests {
            if self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
            {
                break;
            }
            match self.call(&mut connection).await {
                Ok(done) => tally.done(done),
                Err(error) => {
                    connection = None;
                    tally.failed(&error.to_string());
                }
            }
        }
        tally
    }

    async fn call(&self, connection: &mut Option<Reader>) -> io::Result<Done> {
        let reader = match connection {
            Some(reader) => reader,
            None => {
                let stream = TcpStream::connect(self.to).await?;
                stream.set_nodelay(true)?;
                connection.insert(Reader::new(stream))
            }
        };
        let start = Instant::now();
        reader.stream().write_all(&self.request).await?;
        let answer = reader.answer().await?;
        let total = start.elapsed();
        if answer.status != 200 {
            return Err(io::Error::other(format!("status {}", answer.status)));
        }
        if let Some(chunks) = self.chunks
            && !(answer.events == chunks + 1 && answer.done)
        {
            let what = if answer.done { "[DONE]" } else { "no [DONE]" };
            let events = answer.events;
            return Err(io::Error::other(format!(
                "{events} events for {chunks} chunks, {what}"
            )));
        }
        if answer.close {
            *connection = None;
        }
        Ok(Done {
            total,
            first_event: answer.first_event.map(|at| at - start),
            chunks: if self.chunks.is_some() {
                answer.events - 1
            } else {
                0
            },
            reads: answer.reads,
        })
    }
}
