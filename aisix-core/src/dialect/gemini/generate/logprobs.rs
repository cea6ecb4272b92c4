//! How likely the tokens of an answer were.

use serde_json::{Value, json};

use crate::conversation::{Logprobs, TokenLogprob};

pub(super) fn read_logprobs(value: &Value) -> Option<Logprobs> {
    let chosen = value.get("chosenCandidates")?.as_array()?;
    let top = value.get("topCandidates").and_then(Value::as_array);
    let content = chosen.iter().enumerate().map(|(at, token)| {
        let mut token = read_token(token);
        let rivals = top.and_then(|top| top.get(at)?.get("candidates")?.as_array());
        token.top = rivals.into_iter().flatten().map(read_token).collect();
        token
    });
    Some(Logprobs {
        content: Some(content.collect()),
        refusal: None,
    })
}

fn read_token(value: &Value) -> TokenLogprob {
    let text = value
        .get("token")
        .and_then(Value::as_str)
        .unwrap_or_default();
    // What has its default value is left out.
    let logprob = value.get("logProbability").and_then(Value::as_f64);
    let mut token = TokenLogprob::new(text, logprob.unwrap_or(0.0));
    token.bytes = Some(text.as_bytes().to_vec());
    token
}

pub(super) fn write_logprobs(logprobs: &Logprobs) -> Value {
    let tokens = logprobs.content.as_deref().unwrap_or_default();
    let write =
        |token: &TokenLogprob| json!({"token": token.token, "logProbability": token.logprob});
    let rivals = |token: &TokenLogprob| {
        let rivals: Vec<_> = token.top.iter().map(write).collect();
        json!({"candidates": rivals})
    };
    json!({
        "chosenCandidates": tokens.iter().map(write).collect::<Vec<_>>(),
        "topCandidates": tokens.iter().map(rivals).collect::<Vec<_>>(),
    })
}
