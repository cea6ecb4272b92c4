//! `docs/fidelity.md`: what becomes of each field of a chat request at each provider, found out by
//! asking the code. With `AISIX_BLESS=1` the test writes the page anew.

#![cfg(all(
    feature = "anthropic",
    feature = "deepseek",
    feature = "gemini",
    feature = "openai"
))]

mod probes;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aisix_core::call::{Operation, Payload};
use aisix_core::dialect::{Dialects, TargetModel, Way, openai};
use aisix_core::error::Result;
use aisix_core::provider::Provider;
use bytes::Bytes;
use serde_json::Value;

use self::probes::{Probe, probes};
use crate::{Anthropic, DeepSeek, Gemini, OpenAi};

/// A provider, and the model that the page asks.
struct Column {
    provider: Box<dyn Provider>,
    model: &'static str,
}

fn columns() -> [Column; 6] {
    fn column(provider: impl Provider, model: &'static str) -> Column {
        Column {
            provider: Box::new(provider),
            model,
        }
    }
    [
        column(OpenAi::new(), "gpt-5.1"),
        column(DeepSeek::new(), "deepseek-chat"),
        column(Anthropic::new(), "claude-sonnet-4-6"),
        column(Anthropic::new(), "claude-opus-5-5"),
        column(Gemini::new(), "gemini-2.5-flash"),
        column(Gemini::new(), "gemini-3-pro-preview"),
    ]
}

impl Column {
    fn outcome(&self, probe: &Probe) -> String {
        let before = self.sent(&probe.without());
        let sent = match self.sent(&probe.with()) {
            Ok(sent) => sent,
            Err(error) => {
                assert_eq!(error.status(), 400, "{}: {error}", probe.field);
                assert!(error.param().is_some(), "{}: {error}", probe.field);
                return "refused".to_owned();
            }
        };
        if sent == probe.with() {
            return "passes".to_owned();
        }
        if probe.field == "model" {
            return "the provider's name".to_owned();
        }
        let before = before.expect("the plain request can be sent");
        let (mut paths, mut old) = (BTreeSet::new(), BTreeSet::new());
        leaves(&sent, "", &mut paths);
        leaves(&before, "", &mut old);
        let new: BTreeSet<_> = paths
            .difference(&old)
            .map(|(path, _)| path.split('.').take(DEPTH).collect::<Vec<_>>().join("."))
            .collect();
        if new.is_empty() {
            return if sent == before {
                "left out"
            } else {
                "another value of what is there"
            }
            .to_owned();
        }
        let new: Vec<_> = new.into_iter().map(|path| format!("`{path}`")).collect();
        let more = new.len().saturating_sub(SHOWN);
        let mut shown = new[..new.len().min(SHOWN)].join(", ");
        if more > 0 {
            write!(shown, " and {more} more").unwrap();
        }
        shown
    }

    /// The body that the provider gets.
    fn sent(&self, request: &Value) -> Result<Value> {
        let dialects = Dialects::default();
        let spoken = self.provider.dialects(Operation::Chat);
        let payload = Payload::new(&openai::Chat, request.to_string().into());
        payload.head()?;
        let written = match dialects.negotiate(&openai::Chat, spoken).expect("a way") {
            Way::Translate(target) => {
                let codec = target.chat().expect("a dialect of chats");
                let model = TargetModel::new(self.model);
                let (bytes, _) = codec.write_request(payload.chat()?, &model)?;
                Payload::new(target, bytes)
            }
            _ => payload,
        };
        let adapted: Option<Bytes> = self.provider.adapt(Operation::Chat, &written)?;
        let bytes = adapted.unwrap_or_else(|| written.bytes().clone());
        Ok(serde_json::from_slice(&bytes).expect("a request is JSON"))
    }
}

/// The paths of all values that are neither objects nor arrays, with the values; places in arrays
/// are no part of a path.
fn leaves(value: &Value, path: &str, out: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(value, &format!("{path}{dot}{key}"), out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                leaves(item, &format!("{path}[]"), out);
            }
        }
        _ => {
            out.insert((path.to_owned(), value.to_string()));
        }
    }
}

fn page() -> String {
    let columns = columns();
    let mut page = String::from(HEAD);
    let mut row = |cells: &mut dyn Iterator<Item = String>| {
        let cells: Vec<_> = cells.collect();
        writeln!(page, "| {} |", cells.join(" | ")).unwrap();
    };
    let name = |column: &Column| format!("{}: `{}`", column.provider.name(), column.model);
    row(&mut std::iter::once("field".to_owned()).chain(columns.iter().map(name)));
    row(&mut (0..=columns.len()).map(|_| "---".to_owned()));
    for probe in probes() {
        let outcomes = columns.iter().map(|column| column.outcome(&probe));
        row(&mut std::iter::once(format!("`{}`", probe.field)).chain(outcomes));
    }
    page
}

const HEAD: &str = "\
# What becomes of each field of a chat request

Every field of `POST /v1/chat/completions` at each provider, as the code has it: this page is written by
a test of `aisix-providers`, which fails when the two differ.

- **passes**: the provider gets it as it came.
- **left out**: it changes no answer there, or there is nothing like it and nothing is lost; the provider's
  page in [`wire`](wire) says why.
- **refused**: 400 `unsupported_parameter`, with the name of the parameter.
- names in `code`: where in the provider's own format it goes.

Models differ within a provider; the ones asked here stand in the head. A model resource's `capabilities`
say what a model takes that this version does not know.

";

/// A path is told down to here.
const DEPTH: usize = 3;

/// So many places are told for one field.
const SHOWN: usize = 3;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/fidelity.md");

#[test]
fn the_page_says_what_the_code_does() {
    let page = page();
    if std::env::var_os("AISIX_BLESS").is_some() {
        std::fs::write(PATH, &page).unwrap();
    }
    let stands = std::fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        stands == page,
        "docs/fidelity.md is not what the code does: run this test with AISIX_BLESS=1, and look \
         at the difference"
    );
}

#[test]
fn every_field_of_the_published_request_is_asked() {
    let asked = probes();
    for field in probes::PUBLISHED {
        assert!(
            asked.iter().any(|probe| probe.with().get(field).is_some()),
            "{field}"
        );
    }
}
