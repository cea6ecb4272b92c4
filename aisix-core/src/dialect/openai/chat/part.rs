//! The pieces of a content.

use serde_json::{Value, json};

use super::ID;
use super::reasoning::{THINKING, read_thinking};
use super::wire::{ContentPart, File, ImageUrl, InputAudio, Rest};
use crate::conversation::{CacheHint, Extra, Media, Opaque, Part, PartKind, Source};
use crate::dialect::openai::fault::{Fault, keep, own_fields, taken};
use crate::dialect::openai::words::{audio_format, audio_type};

/// Reads one piece of a content; an unknown type is kept whole.
pub(super) fn read_part(mut wire: ContentPart) -> Result<Part, Fault> {
    let kind = match wire.kind.as_str() {
        "text" => PartKind::Text(required(wire.text.take(), "text")?),
        "refusal" => PartKind::Refusal(required(wire.refusal.take(), "refusal")?),
        "image_url" => {
            let image = required(wire.image_url.take(), "image_url")?;
            let mut media = Media::from_url(&image.url);
            media.detail = image.detail;
            keep(&mut wire.rest, "image_url", image.rest);
            PartKind::Image(media)
        }
        "input_audio" => {
            let audio = required(wire.input_audio.take(), "input_audio")?;
            keep(&mut wire.rest, "input_audio", audio.rest);
            let media = Media::new(Source::Base64(audio.data));
            PartKind::Audio(media.with_media_type(audio_type(&audio.format)))
        }
        "file" => {
            let file = required(wire.file.take(), "file")?;
            PartKind::File(read_file(file, &mut wire.rest)?)
        }
        "thinking" => match read_thinking(&wire.rest) {
            Some(text) => {
                let mut part = Part::reasoning(text);
                part.extra.note(ID, THINKING);
                return Ok(part);
            }
            None => opaque(&wire),
        },
        _ => opaque(&wire),
    };
    if matches!(kind, PartKind::Opaque(_)) {
        return Ok(kind.into());
    }
    let mut part = Part::new(kind);
    part.cache = read_cache_hint(&wire.rest);
    part.extra = Extra::from_rest(ID, wire.rest);
    if matches!(part.kind, PartKind::Refusal(_)) {
        part.extra.note(ID, REFUSAL_PART);
    }
    Ok(part)
}

fn read_file(file: File, rest: &mut Rest) -> Result<Media, Fault> {
    let mut nested = file.rest;
    let mut media = match (file.file_data, file.file_id) {
        (Some(data), id) => {
            if let Some(id) = id {
                nested.insert("file_id".to_owned(), id.into());
            }
            if data.starts_with("data:") {
                Media::from_url(&data)
            } else {
                Media::new(Source::Base64(data))
            }
        }
        (None, Some(id)) => Media::new(Source::Id(id)),
        (None, None) => return Err(Fault::new("file", "a file needs `file_data` or `file_id`")),
    };
    media.name = file.filename;
    keep(rest, "file", nested);
    Ok(media)
}

/// A breakpoint of OpenAI, or one of Anthropic that some vendors take in this format.
pub(super) fn read_cache_hint(rest: &Rest) -> Option<CacheHint> {
    if rest.contains_key("prompt_cache_breakpoint") {
        return Some(CacheHint::new());
    }
    let control = rest.get("cache_control")?.as_object()?;
    let ttl = control.get("ttl").and_then(Value::as_str);
    Some(ttl.map_or_else(CacheHint::new, |ttl| CacheHint::new().with_ttl(ttl)))
}

/// Writes one piece of a content; what another format said of an old answer is left out.
pub(super) fn write_part(part: &Part, is_history: bool) -> Result<ContentPart, Fault> {
    let rest = if is_history {
        part.extra.fields(ID).cloned().unwrap_or_default()
    } else {
        own_fields(&part.extra, ID)?
    };
    let mut wire = ContentPart {
        rest,
        ..ContentPart::default()
    };
    match &part.kind {
        PartKind::Text(text) => {
            "text".clone_into(&mut wire.kind);
            wire.text = Some(text.clone());
        }
        PartKind::Refusal(text) => {
            "refusal".clone_into(&mut wire.kind);
            wire.refusal = Some(text.clone());
        }
        PartKind::Image(media) => {
            "image_url".clone_into(&mut wire.kind);
            let url = media
                .to_url()
                .ok_or_else(|| Fault::unsupported("an image by id"))?;
            let rest = taken(&mut wire.rest, "image_url");
            let detail = media.detail.clone();
            wire.image_url = Some(ImageUrl { url, detail, rest });
        }
        PartKind::Audio(media) => {
            "input_audio".clone_into(&mut wire.kind);
            let rest = taken(&mut wire.rest, "input_audio");
            wire.input_audio = Some(write_audio(media, rest)?);
        }
        PartKind::File(media) => write_file(media, &mut wire)?,
        PartKind::Reasoning(reasoning) => {
            "thinking".clone_into(&mut wire.kind);
            let thinking = json!([{"type": "text", "text": reasoning.text}]);
            wire.rest.insert("thinking".to_owned(), thinking);
        }
        PartKind::Opaque(Opaque { origin, value }) if *origin == ID => {
            return serde_json::from_value(value.clone())
                .map_err(|error| Fault::new("", error.to_string()));
        }
        PartKind::Opaque(_) | PartKind::ToolCall(_) | PartKind::ToolResult(_) => {
            return Err(Fault::unsupported("a piece of this kind here"));
        }
    }
    Ok(wire)
}

fn write_audio(media: &Media, rest: Rest) -> Result<InputAudio, Fault> {
    match (&media.source, &media.media_type) {
        (Source::Base64(data), Some(media_type)) => Ok(InputAudio {
            data: data.clone(),
            format: audio_format(media_type).to_owned(),
            rest,
        }),
        _ => Err(Fault::unsupported("audio that is not inline")),
    }
}

fn write_file(media: &Media, wire: &mut ContentPart) -> Result<(), Fault> {
    let mut file = File {
        filename: media.name.clone(),
        ..File::default()
    };
    match &media.source {
        Source::Text(text) => {
            "text".clone_into(&mut wire.kind);
            let title = media.name.iter().flat_map(|name| [name.as_str(), "\n\n"]);
            wire.text = Some(title.chain([text.as_str()]).collect());
            return Ok(());
        }
        Source::Id(id) => file.file_id = Some(id.clone()),
        Source::Base64(data) => file.file_data = media.to_url().or_else(|| Some(data.clone())),
        Source::Url(url) if url.starts_with("data:") => file.file_data = Some(url.clone()),
        Source::Url(_) => return Err(Fault::unsupported("a file behind a URL")),
    }
    "file".clone_into(&mut wire.kind);
    let nested = taken(&mut wire.rest, "file");
    file.rest = nested;
    wire.file = Some(file);
    Ok(())
}

fn required<T>(value: Option<T>, name: &'static str) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::new(name, format!("a part of this type needs `{name}`")))
}

fn opaque(wire: &ContentPart) -> PartKind {
    PartKind::Opaque(Opaque::new(ID, json!(wire)))
}

/// A refusal stood in the content.
pub(super) const REFUSAL_PART: &str = "refusal part";
