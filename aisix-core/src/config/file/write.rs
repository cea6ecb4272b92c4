use serde_json::{Map, Value, json};

use super::{VERSION, VERSION_KEY};
use crate::error::{Error, Result};
use crate::resource::{self, Row};

/// Writes rows as the YAML text of a resources file, as [`read_resources`](super::read_resources)
/// reads it; secrets stand in it as they are stored.
///
/// ```
/// use aisix_core::config::{read_resources, write_resources};
/// use aisix_core::resource::{Environment, Id, Kind, Row};
///
/// let rows = [Row::new(Kind::Models, Id::new("m").unwrap(), serde_json::json!({
///     "display_name": "gpt-4o", "provider": "openai", "model_name": "gpt-4o",
/// }))];
/// let text = write_resources(&rows).unwrap();
/// assert_eq!(read_resources(&text, &Environment::default()).unwrap(), rows);
/// ```
///
/// # Errors
///
/// When a row is no object, and so has no place in a resources file.
pub fn write_resources<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Result<String> {
    let mut file = Map::new();
    file.insert(VERSION_KEY.to_owned(), json!(VERSION));
    for row in rows {
        let item = item(row)?;
        let list = file.entry(row.kind.as_str()).or_insert_with(|| json!([]));
        if let Value::Array(list) = list {
            list.push(item);
        }
    }
    serde_saphyr::to_string(&file).map_err(Error::config)
}

fn item(row: &Row) -> Result<Value> {
    let Value::Object(document) = &row.value else {
        let message = format!("`{}/{}` is no object", row.kind, row.id);
        return Err(Error::config(message));
    };
    let mut item = Map::new();
    item.insert("id".to_owned(), json!(row.id));
    for (key, value) in document {
        let mut value = value.clone();
        if !row.kind.secret_fields().contains(&key.as_str()) {
            escape(&mut value);
        }
        item.insert(key.clone(), value);
    }
    Ok(Value::Object(item))
}

/// Only in a secret does `${` begin a reference while it is stored.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) => *text = resource::escape(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(map) => map.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
