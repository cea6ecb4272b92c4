//! Pictures, sound and documents.

use super::fault::unsupported;
use super::wire::{self, Blob, FileData};
use crate::conversation::{Media, PartKind, Source};
use crate::error::Result;

pub(super) fn read_blob(blob: Blob) -> PartKind {
    let media = Media::new(Source::Base64(blob.data.unwrap_or_default()));
    of_type(media, blob.mime_type, blob.display_name)
}

pub(super) fn read_file(file: FileData) -> PartKind {
    let media = Media::new(Source::Url(file.file_uri.unwrap_or_default()));
    of_type(media, file.mime_type, file.display_name)
}

fn of_type(mut media: Media, media_type: Option<String>, name: Option<String>) -> PartKind {
    let class = media_type
        .as_deref()
        .and_then(|media_type| media_type.split('/').next())
        .map(str::to_owned);
    media.media_type = media_type;
    media.name = name;
    match class.as_deref() {
        Some("image") => PartKind::Image(media),
        Some("audio") => PartKind::Audio(media),
        _ => PartKind::File(media),
    }
}

/// Writes media where it can be one piece; `param` is where it stands.
pub(super) fn write_media(media: &Media, param: &str, is_own: bool) -> Result<wire::Part> {
    let media_type = media
        .media_type
        .as_deref()
        .map(|media_type| match media_type {
            // What OpenAI's callers call MP3.
            "audio/mpeg" if !is_own => "audio/mp3",
            other => other,
        });
    match &media.source {
        Source::Base64(data) => {
            let media_type = media_type
                .or_else(|| type_by_name(media.name.as_deref()))
                .ok_or_else(|| unsupported(param, "a file of an unknown type"))?;
            let mut blob = blob(media_type, data);
            blob.display_name = media.name.clone().filter(|_| is_own);
            Ok(inline(blob))
        }
        Source::Url(url) => match url.strip_prefix("data:") {
            Some(rest) => read_data_url(rest)
                .map(inline)
                .ok_or_else(|| unsupported(param, "a data URL that is not in Base64")),
            None if is_own || is_fetched(url) => Ok(file(media, url.clone(), media_type)),
            None => Err(unsupported(
                param,
                "a file behind an address that it does not fetch: send its bytes in a data URL",
            )),
        },
        Source::Id(id) => match uri_of(id) {
            Some(uri) => Ok(file(media, uri, media_type)),
            None => Err(unsupported(param, "a file by the id of another vendor")),
        },
        Source::Text(text) => {
            let title = media.name.iter().flat_map(|name| [name.as_str(), "\n\n"]);
            Ok(wire::Part::text(
                title.chain([text.as_str()]).collect::<String>(),
            ))
        }
    }
}

fn blob(media_type: &str, data: &str) -> Blob {
    Blob {
        mime_type: Some(media_type.to_owned()),
        data: Some(data.to_owned()),
        ..Blob::default()
    }
}

fn inline(blob: Blob) -> wire::Part {
    wire::Part {
        inline_data: Some(blob),
        ..wire::Part::default()
    }
}

fn file(media: &Media, uri: String, media_type: Option<&str>) -> wire::Part {
    wire::Part {
        file_data: Some(FileData {
            mime_type: media_type.map(str::to_owned),
            file_uri: Some(uri),
            display_name: media.name.clone(),
            ..FileData::default()
        }),
        ..wire::Part::default()
    }
}

/// `<type>;<parameters>;base64,<bytes>`: the parameters do not matter to the vendor.
fn read_data_url(rest: &str) -> Option<Blob> {
    let (head, data) = rest.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?.split(';').next()?;
    Some(blob(media_type, data)).filter(|_| !media_type.is_empty())
}

/// The vendor fetches what lies with it, and videos of YouTube; of other addresses it depends on the
/// site and on the surface whether it does.
fn is_fetched(url: &str) -> bool {
    const KNOWN: [&str; 5] = [
        "gs://",
        "https://generativelanguage.googleapis.com/",
        "https://www.youtube.com/",
        "https://m.youtube.com/",
        "https://youtu.be/",
    ];
    KNOWN.iter().any(|known| url.starts_with(known))
}

fn uri_of(id: &str) -> Option<String> {
    if is_fetched(id) {
        return Some(id.to_owned());
    }
    let name = id.strip_prefix("files/")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!name.is_empty() && name.bytes().all(is_plain))
        .then(|| format!("https://generativelanguage.googleapis.com/v1beta/files/{name}"))
}

/// The type that the end of a file's name stands for.
fn type_by_name(name: Option<&str>) -> Option<&'static str> {
    let (_, end) = name?.rsplit_once('.')?;
    Some(match end.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" | "htm" => "text/html",
        "xml" => "text/xml",
        "json" => "application/json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "mp3" => "audio/mp3",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        _ => return None,
    })
}
