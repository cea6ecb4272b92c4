//! The pieces of a content.

use serde_json::{Value, json};

use super::ID;
use super::wire::{Rest, kind_of, missing, need_text, take_text};
use crate::conversation::{CacheHint, Extra, Media, Opaque, Part, PartKind, Source};
use crate::dialect::openai::fault::{Fault, own_fields, taken};
use crate::dialect::openai::words::{audio_format, audio_type};

/// Reads one piece of a content; an unknown type is kept whole.
pub(super) fn read_part(mut wire: Rest) -> Result<Part, Fault> {
    let kind = match kind_of(&wire) {
        "input_text" | "output_text" | "text" => PartKind::Text(need_text(&mut wire, "text")?),
        "refusal" => PartKind::Refusal(need_text(&mut wire, "refusal")?),
        "input_image" => PartKind::Image(read_image(&mut wire)?),
        "input_file" => PartKind::File(read_file(&mut wire)?),
        "input_audio" => PartKind::Audio(read_audio(&mut wire)?),
        "" => return Err(missing("type")),
        _ => return Ok(PartKind::Opaque(Opaque::new(ID, wire.into())).into()),
    };
    let mut part = Part::new(kind);
    wire.shift_remove("type");
    if wire.contains_key("prompt_cache_breakpoint") {
        part.cache = Some(CacheHint::new());
    }
    for list in ["annotations", "logprobs"] {
        if wire.get(list).is_some_and(is_nothing) {
            wire.shift_remove(list);
        }
    }
    part.extra = Extra::from_rest(ID, wire);
    Ok(part)
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn read_image(wire: &mut Rest) -> Result<Media, Fault> {
    let mut media = match (take_text(wire, "image_url")?, take_text(wire, "file_id")?) {
        (Some(url), _) => Media::from_url(&url),
        (None, Some(id)) => Media::new(Source::Id(id)),
        (None, None) => return Err(missing("image_url")),
    };
    media.detail = take_text(wire, "detail")?;
    Ok(media)
}

fn read_file(wire: &mut Rest) -> Result<Media, Fault> {
    let name = take_text(wire, "filename")?;
    let mut media = if let Some(data) = take_text(wire, "file_data")? {
        if data.starts_with("data:") {
            Media::from_url(&data)
        } else {
            Media::new(Source::Base64(data))
        }
    } else if let Some(url) = take_text(wire, "file_url")? {
        Media::new(Source::Url(url))
    } else if let Some(id) = take_text(wire, "file_id")? {
        Media::new(Source::Id(id))
    } else {
        return Err(missing("file_data"));
    };
    media.detail = take_text(wire, "detail")?;
    media.name = name;
    Ok(media)
}

fn read_audio(wire: &mut Rest) -> Result<Media, Fault> {
    let mut audio = taken(wire, "input_audio");
    let data = need_text(&mut audio, "data").map_err(|fault| fault.in_member("input_audio"))?;
    let format = need_text(&mut audio, "format").map_err(|fault| fault.in_member("input_audio"))?;
    Ok(Media::new(Source::Base64(data)).with_media_type(audio_type(&format)))
}

/// Writes one piece of what a user, the system or a tool says.
pub(super) fn write_input(part: &Part) -> Result<Value, Fault> {
    let rest = own_fields(&part.extra, ID)?;
    let mut wire = Rest::new();
    match &part.kind {
        PartKind::Text(text) => {
            put(&mut wire, "type", "input_text");
            put(&mut wire, "text", &**text);
        }
        PartKind::Image(media) => {
            put(&mut wire, "type", "input_image");
            match &media.source {
                Source::Id(id) => put(&mut wire, "file_id", &**id),
                _ => put(&mut wire, "image_url", address(media, "this image")?),
            }
            put_detail(&mut wire, media);
        }
        PartKind::File(media) => write_file(media, &mut wire)?,
        PartKind::Audio(media) => {
            put(&mut wire, "type", "input_audio");
            wire.insert("input_audio".to_owned(), write_audio(media)?);
        }
        PartKind::Opaque(Opaque { origin, value }) if *origin == ID => return Ok(value.clone()),
        _ => return Err(Fault::unsupported("a piece of this kind here")),
    }
    wire.extend(rest);
    Ok(wire.into())
}

fn write_file(media: &Media, wire: &mut Rest) -> Result<(), Fault> {
    if let Source::Text(text) = &media.source {
        let title = media.name.iter().flat_map(|name| [name.as_str(), "\n\n"]);
        put(wire, "type", "input_text");
        put(
            wire,
            "text",
            title.chain([text.as_str()]).collect::<String>(),
        );
        return Ok(());
    }
    put(wire, "type", "input_file");
    if let Some(name) = &media.name {
        put(wire, "filename", &**name);
    }
    match &media.source {
        Source::Id(id) => put(wire, "file_id", &**id),
        Source::Url(url) if !url.starts_with("data:") => put(wire, "file_url", &**url),
        Source::Base64(data) if media.media_type.is_none() => put(wire, "file_data", &**data),
        _ => put(wire, "file_data", address(media, "this file")?),
    }
    put_detail(wire, media);
    Ok(())
}

fn write_audio(media: &Media) -> Result<Value, Fault> {
    let (Source::Base64(data), Some(media_type)) = (&media.source, &media.media_type) else {
        return Err(Fault::unsupported("audio that is not inline"));
    };
    Ok(json!({"data": data, "format": audio_format(media_type)}))
}

fn address(media: &Media, what: &str) -> Result<String, Fault> {
    media.to_url().ok_or_else(|| Fault::unsupported(what))
}

fn put_detail(wire: &mut Rest, media: &Media) {
    if let Some(detail) = &media.detail {
        put(wire, "detail", &**detail);
    }
}

pub(super) fn put(wire: &mut Rest, name: &str, value: impl Into<Value>) {
    wire.insert(name.to_owned(), value.into());
}
