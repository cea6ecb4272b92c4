//! A closed loop of callers: each sends its next request when the last one is answered.
//!
//! Speaks HTTP/1.1 by hand, so that it takes little of the machine that it shares with what it
//! measures. Prints one JSON object.

mod caller;
mod response;
mod tally;

use std::{
    net::SocketAddr,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant},
};

use clap::Parser;
use tokio::{runtime, task::LocalSet, time};

use crate::{caller::Caller, tally::Tally};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    /// Whom to call.
    #[arg(long)]
    to: SocketAddr,
    /// Callers at a time, each with a connection of its own that it keeps.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Requests in all, the same number from each caller. Without it: as many as fit in `--secs`.
    #[arg(long)]
    requests: Option<usize>,
    /// How long to send requests for.
    #[arg(long, default_value_t = 3.0)]
    secs: f64,
    /// The callers start one after another within so many milliseconds.
    #[arg(long, default_value_t = 0)]
    spread_ms: u64,
    /// The size of a request's body, in bytes. It is at least what the fields need.
    #[arg(long, default_value_t = 0)]
    body: usize,
    /// Ask for a stream of so many chunks.
    #[arg(long)]
    chunks: Option<usize>,
    /// Ask for one chunk in so many milliseconds.
    #[arg(long)]
    pace_ms: Option<u64>,
    /// What goes into `Authorization: Bearer`.
    #[arg(long, default_value = "sk-bench")]
    key: String,
    /// The model to ask for.
    #[arg(long, default_value = "bench")]
    model: String,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("load: {error}");
            return ExitCode::FAILURE;
        }
    };
    let start = Instant::now();
    let tally = LocalSet::new().block_on(&runtime, run(&cli));
    println!("{}", tally.report(start.elapsed()));
    ExitCode::SUCCESS
}

async fn run(cli: &Cli) -> Tally {
    let request = Rc::new(request(cli));
    let deadline = Instant::now() + Duration::from_secs_f64(cli.secs);
    let callers: Vec<_> = (0..cli.concurrency)
        .map(|at| {
            let caller = Caller {
                to: cli.to,
                request: Rc::clone(&request),
                chunks: cli.chunks,
                deadline: cli.requests.is_none().then_some(deadline),
                requests: cli.requests.map_or(usize::MAX, |all| all / cli.concurrency),
            };
            let wait = cli.spread_ms * 1000 * at as u64 / cli.concurrency as u64;
            tokio::task::spawn_local(async move {
                time::sleep(Duration::from_micros(wait)).await;
                caller.run().await
            })
        })
        .collect();
    let mut all = Tally::default();
    for caller in callers {
        match caller.await {
            Ok(tally) => all.add(tally),
            Err(error) => all.failed(&error.to_string()),
        }
    }
    all
}

/// The whole request, head and body: what a caller writes in one go.
fn request(cli: &Cli) -> Vec<u8> {
    let mut wish = String::new();
    if let Some(chunks) = cli.chunks {
        wish += &format!("chunks={chunks}");
    }
    if let Some(pace) = cli.pace_ms {
        wish += &format!(" pace_ms={pace}");
    }
    let stream = if cli.chunks.is_some() {
        ",\"stream\":true"
    } else {
        ""
    };
    let start = format!(
        "{{\"model\":\"{}\",\"user\":\"{wish}\"{stream},\"temperature\":0.7,\"max_tokens\":256,\"messages\":[\
         {{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"}},\
         {{\"role\":\"user\",\"content\":\"How deep is the sea? ",
        cli.model
    );
    let end = "\"}]}";
    // Prose with the escapes that prose has: what a long prompt is to a JSON reader.
    let filler = "The quick brown fox jumps over the lazy dog, \\\"again\\\" and again.\\n".bytes();
    let room = cli.body.saturating_sub(start.len() + end.len());
    let whole = room / filler.len() * filler.len();
    let prose: Vec<u8> = filler.cycle().take(whole).collect();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\naccept: application/json\r\naccept-encoding: identity\r\n\
         user-agent: OpenAI/Python 3.57.0\r\nx-stainless-lang: python\r\nx-stainless-async: false\r\n\
         content-length: {}\r\n\r\n",
        cli.to,
        cli.key,
        start.len() + prose.len() + end.len(),
    );
    [head.as_bytes(), start.as_bytes(), &prose, end.as_bytes()].concat()
}
