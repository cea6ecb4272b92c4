//! A deserialiser of JSON values that knows where it is: serde itself tells neither where an error
//! is nor which fields it skips.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Value};

use super::Invalid;

/// Gives the typed form of `value`, and the JSON pointers of the fields that were skipped.
pub(super) fn deserialize<T: DeserializeOwned>(value: &Value) -> Result<(T, Vec<String>), Invalid> {
    let trace = Trace::default();
    let reader = Reader {
        value,
        path: Path::Root,
        trace: &trace,
    };
    match T::deserialize(reader) {
        Ok(typed) => Ok((typed, trace.unknown.into_inner())),
        Err(Fault(reason)) => Err(Invalid::new(trace.fault.take().unwrap_or_default(), reason)),
    }
}

/// What is learnt on the way.
#[derive(Default)]
struct Trace {
    fault: RefCell<Option<String>>,
    unknown: RefCell<Vec<String>>,
}

#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Member(&'a Self, &'a str),
    Item(&'a Self, usize),
}

/// Deserialises a [`Value`], knowing at each step where it is.
struct Reader<'a, 'v> {
    value: &'v Value,
    path: Path<'a>,
    trace: &'a Trace,
}

struct Items<'a, 'v> {
    items: std::slice::Iter<'v, Value>,
    index: usize,
    path: &'a Path<'a>,
    trace: &'a Trace,
}

struct Members<'a, 'v> {
    members: serde_json::map::Iter<'v>,
    next: Option<(&'v str, &'v Value)>,
    path: &'a Path<'a>,
    trace: &'a Trace,
}

#[derive(Debug)]
struct Fault(String);

// === impl Trace ===

impl Trace {
    /// Notes where the first, and so the innermost, error is.
    fn locate(&self, path: &Path<'_>) {
        self.fault
            .borrow_mut()
            .get_or_insert_with(|| path.to_string());
    }
}

// === impl Path ===

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Item(parent, index) => write!(f, "{parent}/{index}"),
            Self::Member(parent, name) => {
                write!(f, "{parent}/")?;
                for c in name.chars() {
                    match c {
                        '~' => f.write_str("~0")?,
                        '/' => f.write_str("~1")?,
                        c => f.write_char(c)?,
                    }
                }
                Ok(())
            }
        }
    }
}

// === impl Reader ===

impl<'a, 'v> Reader<'a, 'v> {
    fn members(&'a self, map: &'v Map<String, Value>) -> Members<'a, 'v> {
        Members {
            members: map.iter(),
            next: None,
            path: &self.path,
            trace: self.trace,
        }
    }

    fn items(&'a self, items: &'v [Value]) -> Items<'a, 'v> {
        Items {
            items: items.iter(),
            index: 0,
            path: &self.path,
            trace: self.trace,
        }
    }

    fn located<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        if result.is_err() {
            self.trace.locate(&self.path);
        }
        result
    }
}

impl<'v> Deserializer<'v> for Reader<'_, 'v> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(self.items(items)),
            Value::Object(map) => visitor.visit_map(self.members(map)),
        };
        self.located(result)
    }

    fn deserialize_option<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'v>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'v>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            // serde would take a list for a struct without names.
            Value::Array(_) => {
                self.located(Err(de::Error::invalid_type(Unexpected::Seq, &visitor)))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'v>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match self.value {
            Value::String(text) => visitor.visit_enum(StrDeserializer::<Fault>::new(text)),
            other => Err(de::Error::invalid_type(unexpected(other), &"a string")),
        };
        self.located(result)
    }

    fn deserialize_ignored_any<V: Visitor<'v>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.trace.unknown.borrow_mut().push(self.path.to_string());
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'v>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier
    }
}

// === impl Items ===

impl<'v> SeqAccess<'v> for Items<'_, 'v> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'v>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(value) = self.items.next() else {
            return Ok(None);
        };
        let path = Path::Item(self.path, self.index);
        self.index += 1;
        let reader = Reader {
            value,
            path,
            trace: self.trace,
        };
        seed.deserialize(reader)
            .map(Some)
            .inspect_err(|_| self.trace.locate(&path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

// === impl Members ===

impl<'v> MapAccess<'v> for Members<'_, 'v> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'v>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.next = self.members.next().map(|(key, value)| (&**key, value));
        match self.next {
            Some((key, _)) => seed
                .deserialize(BorrowedStrDeserializer::<Fault>::new(key))
                .map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'v>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, value) = self
            .next
            .take()
            .ok_or_else(|| de::Error::custom("a value was asked for before its key"))?;
        let path = Path::Member(self.path, key);
        let reader = Reader {
            value,
            path,
            trace: self.trace,
        };
        // What is wrong with a value may be found only after it has been read.
        seed.deserialize(reader)
            .inspect_err(|_| self.trace.locate(&path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.members.len())
    }
}

// === impl Fault ===

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self(format!(
            "expected {}, found {}",
            plain(&expected),
            sort(&found)
        ))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let expected = plain(&expected);
        match found {
            Unexpected::Signed(_) | Unexpected::Unsigned(_) | Unexpected::Float(_) => {
                Self(format!("expected {expected}, found {found}"))
            }
            _ => Self(format!("expected {expected}")),
        }
    }

    fn unknown_variant(_found: &str, expected: &'static [&'static str]) -> Self {
        Self(format!("expected one of `{}`", expected.join("`, `")))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// What an operator calls what Rust expects.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "a boolean" => "true or false",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

fn sort(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Signed(_) | Unexpected::Unsigned(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Str(_) | Unexpected::Char(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Number(_) => Unexpected::Signed(0),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}
