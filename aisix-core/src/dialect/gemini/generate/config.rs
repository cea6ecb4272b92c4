//! `generationConfig`.

use serde_json::{Number, Value, json};

use super::ID;
use super::fault::{Param, invalid, own_field, unsupported};
use super::schema::{accepted, from_subset, to_subset};
use super::thinking::{read_thinking, write_thinking};
use super::wire::{GenerationConfig, Rest};
use super::words::Words;
use crate::conversation::{ChatRequest, Extra, JsonSchema, ResponseFormat};
use crate::error::Result;

// === reading ===

pub(super) fn read_config(mut config: GenerationConfig, request: &mut ChatRequest) {
    request.sampling.temperature = config.temperature.take();
    request.sampling.top_p = config.top_p.take();
    request.sampling.seed = config.seed.take();
    request.sampling.presence_penalty = config.presence_penalty.take();
    request.sampling.frequency_penalty = config.frequency_penalty.take();
    if let Some(top_k) = config.top_k.as_ref().and_then(whole) {
        config.top_k = None;
        request.sampling.top_k = Some(top_k);
    }
    request.max_tokens = config.max_output_tokens.take();
    request.n = config.candidate_count.take();
    request.stop = config.stop_sequences.take().unwrap_or_default();
    request.logprobs = config.response_logprobs.take();
    request.top_logprobs = config.logprobs.take();
    if let Some(thinking) = config
        .thinking_config
        .take_if(|thinking| thinking.rest.is_empty())
    {
        read_thinking(&thinking, request);
    }
    read_format(&mut config, request);
    let is_text = |modalities: &mut Vec<String>| modalities.as_slice() == ["TEXT"];
    if config.response_modalities.take_if(is_text).is_some() {
        request.extra.note(ID, TEXT_ONLY);
    }
    let rest = json!(config);
    if rest.as_object().is_some_and(|rest| !rest.is_empty()) {
        request.extra.insert(ID, CONFIG, rest);
    }
}

/// A float on the wire of some clients.
fn whole(number: &Number) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the filter keeps what a u64 holds exactly"
    )]
    number.as_u64().or_else(|| {
        number
            .as_f64()
            .filter(|number| number.fract() == 0.0 && (0.0..1e9).contains(number))
            .map(|number| number as u64)
    })
}

fn read_format(config: &mut GenerationConfig, request: &mut ChatRequest) {
    match config.response_mime_type.as_deref() {
        Some("text/plain") => request.format = Some(ResponseFormat::Text),
        Some("application/json") => {
            let json_schema = config.response_json_schema.take();
            let subset = config.response_schema.take();
            request.format = Some(match (json_schema, subset) {
                (Some(schema), None) => ResponseFormat::JsonSchema(JsonSchema::new(NAME, schema)),
                (None, Some(schema)) => {
                    let mut schema = JsonSchema::new(NAME, from_subset(schema));
                    schema.extra.note(ID, SUBSET);
                    ResponseFormat::JsonSchema(schema)
                }
                (both, subset) => {
                    config.response_json_schema = both;
                    config.response_schema = subset;
                    ResponseFormat::JsonObject
                }
            });
        }
        // Another type is the vendor's own, and stays.
        _ => return,
    }
    config.response_mime_type = None;
}

// === writing ===

pub(super) fn write_config(
    request: &ChatRequest,
    modalities: Option<Vec<String>>,
    has_functions: bool,
    words: &Words<'_>,
) -> Result<Option<GenerationConfig>> {
    let mut config: GenerationConfig = match own_field(&request.extra, CONFIG) {
        Some(kept) => serde_json::from_value(kept.clone())
            .map_err(|error| invalid("generationConfig", &error.to_string()))?,
        None => GenerationConfig::default(),
    };
    write_sampling(request, words, &mut config)?;
    if request.stop.len() > MAX_STOPS && !words.is_own {
        return Err(unsupported(
            Param::Stop.name(request),
            "more than five stop sequences",
        ));
    }
    config.max_output_tokens = request.max_tokens;
    config.candidate_count = request.n;
    config.stop_sequences = (!request.stop.is_empty()).then(|| request.stop.clone());
    config.response_logprobs = request.logprobs;
    config.logprobs = request.top_logprobs;
    if let Some(thinking) = write_thinking(request, words)? {
        config.thinking_config = Some(thinking);
    }
    write_format(request, has_functions, words, &mut config)?;
    if words.is_own && request.extra.has_note(ID, TEXT_ONLY) {
        config.response_modalities = Some(vec!["TEXT".to_owned()]);
    }
    if let Some(modalities) = modalities {
        config.response_modalities = Some(modalities);
    }
    let is_empty = json!(config).as_object().is_some_and(Rest::is_empty);
    Ok((!is_empty).then_some(config))
}

/// Where the model ignores how tokens are chosen, the vendor is not told: it has announced to refuse
/// that one day.
fn write_sampling(
    request: &ChatRequest,
    words: &Words<'_>,
    config: &mut GenerationConfig,
) -> Result<()> {
    let sampling = &request.sampling;
    let capabilities = &words.model.capabilities;
    if words.is_own || capabilities.sampling != Some(false) {
        config.temperature = sampling.temperature;
        config.top_p = sampling.top_p;
        if let Some(top_k) = sampling.top_k {
            config.top_k = Some(top_k.into());
        }
    }
    config.seed = sampling.seed;
    let refuses = capabilities.penalties == Some(false) && !words.is_own;
    for (name, penalty, place) in [
        (
            "presence_penalty",
            sampling.presence_penalty,
            &mut config.presence_penalty,
        ),
        (
            "frequency_penalty",
            sampling.frequency_penalty,
            &mut config.frequency_penalty,
        ),
    ] {
        match penalty {
            // None at all is what the model does in any case.
            Some(0.0) if refuses => {}
            Some(_) if refuses => return Err(unsupported(name, "penalties to this model")),
            penalty => *place = penalty,
        }
    }
    Ok(())
}

fn write_format(
    request: &ChatRequest,
    has_functions: bool,
    words: &Words<'_>,
    config: &mut GenerationConfig,
) -> Result<()> {
    let Some(format) = &request.format else {
        return Ok(());
    };
    if matches!(format, ResponseFormat::Text) {
        if words.is_own {
            config.response_mime_type = Some("text/plain".to_owned());
        }
        return Ok(());
    }
    let refuse = |what: &str| Err(unsupported(Param::Format.name(request), what));
    if !words.is_own {
        if words.model.capabilities.json_schema == Some(false) {
            return refuse("the form of the answer to this model");
        }
        if has_functions && !words.model.is_three() {
            return refuse("the form of the answer beside functions to this model");
        }
    }
    config.response_mime_type = Some("application/json".to_owned());
    match format {
        ResponseFormat::JsonSchema(JsonSchema {
            schema: Some(schema),
            extra,
            ..
        }) => write_schema(schema, extra, words, config),
        ResponseFormat::Opaque(_) => return refuse("this form of the answer"),
        _ => {}
    }
    Ok(())
}

fn write_schema(schema: &Value, extra: &Extra, words: &Words<'_>, config: &mut GenerationConfig) {
    if extra.has_note(ID, SUBSET) {
        config.response_schema = Some(to_subset(schema.clone()));
    } else if words.is_own {
        config.response_json_schema = Some(schema.clone());
    } else {
        config.response_json_schema = Some(accepted(schema));
    }
}

/// A schema has no name here, and needs one elsewhere.
const NAME: &str = "response";

/// The vendor takes no more.
const MAX_STOPS: usize = 5;

const CONFIG: &str = "generationConfig";

// How a request was spelled.
const SUBSET: &str = "responseSchema";
const TEXT_ONLY: &str = "responseModalities TEXT";
