//! Requests of callers that speak this format.

use super::*;

#[test]
fn a_native_request_comes_back_as_it_was() {
    assert_kept(&json!({
        "systemInstruction": {"role": "user", "parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [
                {"text": "a"},
                {"inlineData": {"mimeType": "audio/mpeg", "data": "AA=="}, "videoMetadata": {"fps": 1}},
                {"fileData": {"fileUri": "https://example.com/x"}},
                {"text": ""},
            ]},
            {"role": "model", "parts": [
                {"text": "hm", "thought": true, "thoughtSignature": "s0"},
                {"functionCall": {"name": "f", "args": {"b": 1, "a": 2}}, "thoughtSignature": "s1"},
                {"functionCall": {"id": "x", "name": "f", "args": {}}},
                {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "s2"},
            ]},
            {"role": "function", "parts": [
                {"functionResponse": {"name": "f", "response": {"result": "r"}}},
                {"functionResponse": {"id": "x", "name": "f", "response": {"error": {"code": 1}}}},
                {"functionResponse": {"name": "g", "response": {"output": "{\"a\":1}"}}},
                {"functionResponse": {"name": "g", "response": {"output": {"a": 1}, "b": null}}},
            ]},
            {"role": "user", "parts": [{"text": "b"}]},
            {"parts": [{"text": "c"}]},
        ],
        "tools": [
            {"functionDeclarations": [
                {"name": "f", "description": "d", "parameters": {
                    "type": "OBJECT", "properties": {"x": {"type": "STRING", "nullable": true}}}},
                {"name": "g", "parametersJsonSchema": {"type": "object", "title": "T"}, "response": {"type": "STRING"}},
            ]},
            {"googleSearch": {}},
        ],
        "toolConfig": {
            "functionCallingConfig": {"mode": "VALIDATED"},
            "includeServerSideToolInvocations": true,
            "retrievalConfig": {"languageCode": "de"},
        },
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "generationConfig": {
            "temperature": 0.1, "topK": 4, "candidateCount": 1, "frequencyPenalty": 1.0,
            "responseMimeType": "application/json",
            "responseSchema": {"type": "STRING", "enum": ["a"]},
            "responseModalities": ["TEXT"],
            "thinkingConfig": {"includeThoughts": false, "thinkingBudget": -1},
            "speechConfig": {"languageCode": "de"},
        },
        "cachedContent": "cachedContents/1",
    }));
}

#[test]
fn results_without_ids_find_their_calls_by_name_and_order() {
    let request = read(&json!({"contents": [
        {"role": "model", "parts": [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f"}}]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"output": "1"}}},
            {"functionResponse": {"name": "f", "response": {"output": "2"}}},
        ]},
    ]}));
    let ids: Vec<_> = request.messages[0]
        .tool_calls()
        .map(|call| call.id.clone())
        .collect();
    let results: Vec<_> = request.messages[1]
        .parts
        .iter()
        .filter_map(|part| part.as_tool_result())
        .map(|result| result.call_id.clone())
        .collect();
    assert_eq!(ids, results);
    assert_ne!(ids[0], ids[1]);
    assert_eq!(request.messages[1].role, crate::conversation::Role::Tool);
}

#[test]
fn a_bad_member_is_named() {
    let param = |body: &str| {
        let error = CODEC.read_request(body.as_bytes()).unwrap_err();
        assert_eq!(error.status(), 400);
        error.param().map(str::to_owned)
    };
    assert_eq!(param("{}").as_deref(), Some("contents"));
    assert_eq!(param(r#"{"contents":7}"#).as_deref(), Some("contents"));
    assert_eq!(
        param(r#"{"contents":[{"role":"x","parts":[]}]}"#).as_deref(),
        Some("contents[0].role")
    );
    let config = r#"{"contents":[],"generationConfig":{"temperature":"hot"}}"#;
    assert_eq!(param(config).as_deref(), Some("generationConfig"));
    assert_eq!(param("[").as_deref(), None);
}
