//! The counts that every event brings anew.

use serde_json::Value;

use super::super::wire::Rest;
use crate::json;

/// The counts so far: of each field the last one. Those of an event are parsed only when the next
/// one does not have the same fields, since nearly all have and only the last ones are wanted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    merged: Rest,
    /// The counts of the last event, as they stood there.
    last: Vec<u8>,
    names: Vec<String>,
}

impl Counted {
    /// Adds counts that nobody has parsed yet.
    pub(super) fn push_raw(&mut self, counts: &[u8]) {
        if !self.has_same_names(counts) {
            self.merge_last();
            let members = json::members(counts).into_iter().flatten();
            self.names = members
                .map_while(Result::ok)
                .map(|member| member.key.into_owned())
                .collect();
        }
        self.last.clear();
        self.last.extend_from_slice(counts);
    }

    /// Adds counts.
    pub(super) fn push(&mut self, counts: Rest) {
        self.merge_last();
        self.merged.extend(counts);
    }

    /// All of them; `None` where there were none.
    pub(super) fn take(&mut self) -> Option<Rest> {
        self.merge_last();
        let merged = std::mem::take(&mut self.merged);
        (!merged.is_empty()).then_some(merged)
    }

    fn has_same_names(&self, counts: &[u8]) -> bool {
        let Ok(members) = json::members(counts) else {
            return false;
        };
        !self.last.is_empty()
            && members
                .map_while(Result::ok)
                .map(|member| member.key)
                .eq(self.names.iter().map(String::as_str))
    }

    fn merge_last(&mut self) {
        if let Ok(Value::Object(counts)) = serde_json::from_slice(&self.last) {
            self.merged.extend(counts);
        }
        self.last.clear();
        self.names.clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_each_field_the_last_one_counts() {
        let mut counted = Counted::default();
        counted.push_raw(br#"{"a":1,"b":1}"#);
        counted.push_raw(br#"{"a":2,"b":2}"#);
        counted.push_raw(br#"{"a":3}"#);
        counted.push(Rest::from_iter([("c".to_owned(), 4.into())]));
        counted.push_raw(br#"{"c":5}"#);
        let counts = Value::from(counted.take().unwrap());
        assert_eq!(counts, json!({"a": 3, "b": 2, "c": 5}));
        assert_eq!(counted.take(), None);
    }
}
