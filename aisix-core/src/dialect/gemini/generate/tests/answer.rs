//! Answers.

use super::*;
use crate::conversation::{FinishReason, PartKind};
use crate::error::ErrorKind;

fn one(parts: &Value, rest: &Value) -> Value {
    let mut candidate =
        json!({"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0});
    for (name, value) in rest.as_object().unwrap() {
        candidate[name] = value.clone();
    }
    json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r"})
}

fn as_chat(response: &ChatResponse) -> Value {
    serde_json::from_slice(&Chat::new().write_response(response).unwrap()).unwrap()
}

#[test]
fn thoughts_texts_and_calls_are_told_apart() {
    let body = one(
        &json!([
            {"text": "hm", "thought": true},
            {"text": "a"},
            {"text": ""},
            {"text": "b", "thoughtSignature": "s0"},
            {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "s1"},
            {"functionCall": {"name": "f"}},
        ]),
        &json!({}),
    );
    let response = answer(&body);
    assert_eq!((response.id.as_str(), response.model.as_str()), ("r", "m"));
    assert_eq!(response.finish(), Some(&FinishReason::ToolCalls));
    let chat = as_chat(&response);
    let message = &chat["choices"][0]["message"];
    assert_eq!(message["content"], "ab");
    assert_eq!(message["reasoning_content"], "hm");
    assert_eq!(
        message["extra_content"]["google"]["thought_signature"],
        "s0"
    );
    let calls = &message["tool_calls"];
    assert_eq!(
        calls[0]["extra_content"]["google"]["thought_signature"],
        "s1"
    );
    assert_eq!(calls[0]["function"]["arguments"], r#"{"x":1}"#);
    assert_eq!(calls[1]["function"]["arguments"], "{}");
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    assert_eq!(chat["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(
        answer(&body),
        response,
        "made-up ids are the same each time"
    );

    let written: Value = serde_json::from_slice(&CODEC.write_response(&response).unwrap()).unwrap();
    let mut expected = body;
    let parts = expected["candidates"][0]["content"]["parts"]
        .as_array_mut()
        .unwrap();
    parts.remove(2);
    parts[4]["functionCall"]["args"] = json!({});
    assert_eq!(written, expected);
}

#[test]
fn each_reason_has_a_neutral_word() {
    let finish = |reason: &str| {
        let body = one(
            &texts(&["a"]),
            &json!({"finishReason": reason, "finishMessage": "m"}),
        );
        let response = answer(&body);
        let written = CODEC.write_response(&response).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), body);
        response.finish().unwrap().clone()
    };
    assert_eq!(finish("STOP"), FinishReason::Stop);
    assert_eq!(finish("MAX_TOKENS"), FinishReason::Length);
    assert_eq!(finish("CONTINUATION"), FinishReason::Length);
    assert_eq!(finish("RECITATION"), FinishReason::ContentFilter);
    assert_eq!(finish("LANGUAGE"), FinishReason::ContentFilter);
    assert_eq!(finish("OTHER"), FinishReason::Stop);
    assert_eq!(finish("MALFORMED_FUNCTION_CALL"), FinishReason::Stop);
    assert_eq!(finish("NEWS"), FinishReason::Other("NEWS".to_owned()));
}

#[test]
fn a_vendor_that_gave_up_without_a_word_failed() {
    let body = one(&json!([]), &json!({"finishReason": "OTHER"}));
    let error = CODEC
        .read_response(body.to_string().as_bytes(), &Carry::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UpstreamError);
}

#[test]
fn what_was_withheld_is_an_answer_without_a_word() {
    let blocked = json!({
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 3, "totalTokenCount": 3},
        "modelVersion": "m",
    });
    let withheld = json!({"candidates": [{"content": {}, "finishReason": "SAFETY"}]});
    let without = json!({"candidates": [{"finishReason": "MODEL_ARMOR"}]});
    for body in [&blocked, &withheld, &without] {
        let response = answer(body);
        assert_eq!(response.finish(), Some(&FinishReason::ContentFilter));
        let chat = as_chat(&response);
        assert_eq!(chat["choices"][0]["message"]["content"], Value::Null);
        assert_eq!(chat["choices"][0]["finish_reason"], "content_filter");
    }
    let written = CODEC.write_response(&answer(&blocked)).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), blocked);
}

#[test]
fn thinking_can_eat_all_of_the_answer() {
    let response = answer(&json!({
        "candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}],
        "usageMetadata": {"promptTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 12},
    }));
    assert_eq!(response.finish(), Some(&FinishReason::Length));
    assert_eq!(
        (
            response.usage().output_tokens,
            response.usage().reasoning_tokens
        ),
        (7, 7)
    );
}

#[test]
fn grounding_becomes_annotations_with_offsets_in_characters() {
    let support = |start: u64, end: u64, text: &str, part: u64| {
        json!({"segment": {"startIndex": start, "endIndex": end, "text": text, "partIndex": part},
               "groundingChunkIndices": [0]})
    };
    let body = one(
        &json!([{"text": "Grüße "}, {"executableCode": {"code": "1"}}, {"text": "né da"}]),
        &json!({"groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a.example", "title": "A"}}],
            "groundingSupports": [
                // "üße" is 5 bytes from the third on.
                support(2, 7, "üße", 0),
                support(4, 6, "da", 2),
                // An offset that does not fit is mended by the words.
                support(0, 99, "né", 0),
                support(0, 99, "nowhere", 0),
            ],
        }}),
    );
    let response = answer(&body);
    let chat = as_chat(&response);
    let spans: Vec<_> = chat["choices"][0]["message"]["annotations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|annotation| {
            let citation = &annotation["url_citation"];
            assert_eq!(
                (&annotation["type"], &citation["title"]),
                (&json!("url_citation"), &json!("A"))
            );
            (
                citation["start_index"].as_u64().unwrap(),
                citation["end_index"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(spans, [(2, 5), (9, 11), (6, 8)]);
    let written = CODEC.write_response(&response).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), body);
}

#[test]
fn log_probabilities_are_matched_with_their_rivals() {
    let token =
        |token: &str, value: f64| json!({"token": token, "tokenId": 7, "logProbability": value});
    let body = one(
        &texts(&["é"]),
        &json!({"logprobsResult": {
            "chosenCandidates": [token("é", -0.5)],
            "topCandidates": [{"candidates": [token("é", -0.5), token("e", -1.5)]}],
        }}),
    );
    let response = answer(&body);
    let content = &as_chat(&response)["choices"][0]["logprobs"]["content"][0];
    assert_eq!(
        (&content["token"], &content["logprob"]),
        (&json!("é"), &json!(-0.5))
    );
    assert_eq!(content["bytes"], json!([195, 169]));
    assert_eq!(content["top_logprobs"][1]["logprob"], -1.5);
    let written = CODEC.write_response(&response).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), body);
}

#[test]
fn each_candidate_is_a_choice() {
    let candidate = |index: u32, text: &str| json!({"content": {"parts": [{"text": text}]}, "finishReason": "STOP", "index": index});
    let response = answer(&json!({"candidates": [candidate(0, "a"), candidate(1, "b")]}));
    assert_eq!(response.choices[1].index, 1);
    assert_eq!(response.choices[1].message.text(), "b");
}

#[test]
fn a_picture_is_a_picture() {
    let body = one(
        &json!([{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]),
        &json!({}),
    );
    let response = answer(&body);
    assert!(matches!(
        response.message().unwrap().parts[0].kind,
        PartKind::Image(_)
    ));
    let written = CODEC.write_response(&response).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), body);

    let message = as_chat(&response)["choices"][0]["message"].clone();
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}, "index": 0});
    assert_eq!(message["images"], json!([picture]));
    let back = chat(&json!({"messages": [message]}));
    let written = write(&back, "gemini-2.5-flash-image");
    assert_eq!(written["contents"][0], body["candidates"][0]["content"]);
}

#[test]
fn an_answer_of_another_format_is_written() {
    let body = json!({
        "id": "c1", "model": "gpt", "created": 1,
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {
            "role": "assistant", "content": "a", "refusal": null, "reasoning_content": "hm",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}],
        }}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 4, "total_tokens": 9,
                  "completion_tokens_details": {"reasoning_tokens": 3}},
    });
    let response = Chat::new()
        .read_response(body.to_string().as_bytes(), &Carry::default())
        .unwrap();
    let written: Value = serde_json::from_slice(&CODEC.write_response(&response).unwrap()).unwrap();
    assert_eq!(
        written,
        json!({
            "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [
                {"text": "hm", "thought": true},
                {"text": "a"},
                {"functionCall": {"id": "1", "name": "f", "args": {"x": 1}}},
            ]}}],
            "usageMetadata": {"promptTokenCount": 5, "candidatesTokenCount": 1,
                              "thoughtsTokenCount": 3, "totalTokenCount": 9},
            "modelVersion": "gpt", "responseId": "c1",
        })
    );
}

#[test]
fn nonsense_is_no_answer() {
    let read = |body: &str| {
        CODEC
            .read_response(body.as_bytes(), &Carry::default())
            .unwrap_err()
    };
    for body in [
        "",
        "{}",
        "[]",
        "<html>",
        r#"{"candidates":7}"#,
        r#"{"candidates":[]}"#,
    ] {
        assert_eq!(read(body).kind(), ErrorKind::UpstreamDecode, "{body}");
    }
    let reported = r#"[{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}]"#;
    assert_eq!(read(reported).status(), 400);
    let reported = r#"{"error":{"code":503,"message":"no","status":"UNAVAILABLE"}}"#;
    assert_eq!(read(reported).kind(), ErrorKind::UpstreamError);
}
