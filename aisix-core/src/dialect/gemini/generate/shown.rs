//! What an answer holds that the neutral model, or a stream of it, has no word for, in the words of
//! OpenAI's format: callers of every vendor know those, so that it stands beside the message as
//! members of that format.

use serde_json::{Value, json};

use super::wire::Rest;
use crate::conversation::{Extra, Media, Message};
use crate::dialect::OPENAI_CHAT;

/// Members of a message.
pub(super) fn shown(members: Rest) -> Extra {
    Extra::from_rest(OPENAI_CHAT.as_str(), members)
}

/// The same as what a chunk adds.
pub(super) fn shown_delta(name: &str, value: Value) -> Extra {
    let delta = Rest::from_iter([(name.to_owned(), value)]);
    shown(Rest::from_iter([("delta".to_owned(), delta.into())]))
}

/// A picture, as clients that know answers with pictures look for it.
pub(super) fn picture(index: usize, media: &Media) -> Option<Value> {
    let url = media.to_url()?;
    Some(json!({"type": "image_url", "image_url": {"url": url}, "index": index}))
}

/// The pictures that a caller sends back with an old answer.
pub(super) fn pictures_of(message: &Message) -> impl Iterator<Item = Media> {
    message
        .extra
        .get(OPENAI_CHAT.as_str(), IMAGES)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|picture| picture.pointer("/image_url/url")?.as_str())
        .map(Media::from_url)
}

pub(super) const ANNOTATIONS: &str = "annotations";
pub(super) const IMAGES: &str = "images";
