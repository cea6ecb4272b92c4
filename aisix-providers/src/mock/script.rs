use std::fmt;
use std::time::Duration;

use aisix_core::error::{Error, ErrorKind, RetryAdvice};
use http::StatusCode;

/// How a [`Mock`](super::Mock) answers.
///
/// ```
/// use aisix_providers::mock::Script;
///
/// let script = Script::parse("words=3&pace=20ms")?;
/// assert_eq!(script.words, Some(3));
/// # Ok::<(), aisix_providers::mock::ParseScriptError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Script {
    /// What it says, instead of an answer of its own.
    pub text: Option<String>,
    /// How many words it says: at most 10,000.
    pub words: Option<usize>,
    /// Calls the first tool, also when it does not have to.
    pub tool: bool,
    /// How long it waits before it answers.
    pub delay: Duration,
    /// How long it waits before each further event of a stream.
    pub pace: Duration,
    /// Fails so instead of answering: a 4xx or a 5xx.
    pub status: Option<StatusCode>,
    /// When to come back, as the failure says it.
    pub retry_after: Option<Duration>,
    /// Fails only so many first attempts at a call.
    pub fail_first: Option<u32>,
    /// Breaks off after so many events.
    pub cut: Option<usize>,
    /// Sends nonsense after so many events.
    pub malformed: Option<usize>,
    /// Never answers.
    pub hang: bool,
}

/// A word of a script that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseScriptError {
    word: String,
}

impl Script {
    /// Reads words that are separated by `&` or spaces.
    ///
    /// # Errors
    ///
    /// A word is unknown, or its value is none.
    pub fn parse(words: &str) -> Result<Self, ParseScriptError> {
        Self::default().and(words)
    }

    /// Adds `words` to what is said already.
    ///
    /// # Errors
    ///
    /// As [`Script::parse`].
    pub fn and(mut self, words: &str) -> Result<Self, ParseScriptError> {
        for word in words.split(is_separator).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            self.set(name, value).ok_or_else(|| ParseScriptError {
                word: word.to_owned(),
            })?;
        }
        Ok(self)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "text" => self.text = Some(value.replace('+', " ")),
            "words" => self.words = Some(value.parse().ok().filter(|n| *n <= MOST_WORDS)?),
            "tool" => self.tool = true,
            "delay" => self.delay = duration(value)?,
            "pace" => self.pace = duration(value)?,
            "status" => self.status = Some(failure(value)?),
            "retry_after" => self.retry_after = Some(duration(value)?),
            "fail_first" => self.fail_first = Some(value.parse().ok()?),
            "cut" => self.cut = Some(value.parse().ok()?),
            "malformed" => self.malformed = Some(value.parse().ok()?),
            "hang" => self.hang = true,
            _ => return None,
        }
        Some(())
    }

    /// The failure of the attempt that was preceded by `attempt` others, if it is one.
    pub(super) fn failure(&self, attempt: u32) -> Option<Error> {
        let status = match (self.status, self.fail_first) {
            (status, Some(first)) if attempt < first => {
                status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
            }
            (_, Some(_)) | (None, None) => return None,
            (Some(status), None) => status,
        };
        let message = format!("The mock fails with {status}, as it was told to.");
        let error = if status.is_client_error() {
            Error::new(ErrorKind::UpstreamRejected, message).with_status(status)
        } else {
            Error::new(ErrorKind::UpstreamError, message)
        };
        Some(match self.retry_after {
            Some(delay) => error.with_retry(RetryAdvice::After(delay)),
            None => error,
        })
    }

    /// What happens after `events` events, if it is no event.
    pub(super) fn cut_error(&self, events: usize) -> Option<Error> {
        if self.cut == Some(events) {
            return Some(Error::transport("The mock breaks off, as it was told to."));
        }
        (self.malformed == Some(events))
            .then(|| Error::upstream_decode("The mock talks nonsense, as it was told to."))
    }
}

impl fmt::Display for ParseScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the mock does not understand `{}`", self.word)
    }
}

impl std::error::Error for ParseScriptError {}

impl From<ParseScriptError> for Error {
    fn from(error: ParseScriptError) -> Self {
        Self::invalid_request(error.to_string()).with_source(error)
    }
}

/// Callers may write a script over several lines.
fn is_separator(c: char) -> bool {
    c == '&' || c.is_whitespace()
}

fn failure(text: &str) -> Option<StatusCode> {
    let status: StatusCode = text.parse().ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

fn duration(text: &str) -> Option<Duration> {
    let (number, unit): (_, fn(u64) -> Duration) = match text.strip_suffix("ms") {
        Some(number) => (number, Duration::from_millis),
        None => (text.strip_suffix('s')?, Duration::from_secs),
    };
    number.parse().ok().map(unit).filter(|d| *d <= LONGEST)
}

/// Callers may write scripts: none of them gets the gateway to hold a book.
const MOST_WORDS: usize = 10_000;

/// Nor to wait past the end of time.
const LONGEST: Duration = Duration::from_secs(60 * 60);
