use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The JSON Schema of a document, asked for keys and for the types of values.
#[derive(Clone, Debug)]
pub(super) struct Schema(Value);

/// A node of a [`Schema`]: a section or a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a>(&'a Value);

/// What a value is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Bool,
    Integer,
    Number,
    List,
    Section,
    Text,
}

impl Schema {
    pub(super) fn of<T: JsonSchema>() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let schema = settings.into_generator().into_root_schema_for::<T>();
        Self(schema.to_value())
    }

    pub(super) fn root(&self) -> Node<'_> {
        Node(&self.0)
    }

    /// The node at `path`, if every step is a known key.
    pub(super) fn find<'p>(&self, path: impl IntoIterator<Item = &'p str>) -> Option<Node<'_>> {
        path.into_iter()
            .try_fold(self.root(), |node, key| node.property(key))
    }
}

impl<'a> Node<'a> {
    /// The keys of a section.
    pub(super) fn keys(self) -> impl Iterator<Item = &'a str> {
        self.variants()
            .filter_map(|node| node.get("properties")?.as_object())
            .flat_map(|properties| properties.keys().map(String::as_str))
    }

    pub(super) fn property(self, key: &str) -> Option<Self> {
        self.variants()
            .find_map(|node| node.get("properties")?.get(key))
            .map(Self)
    }

    pub(super) fn shape(self) -> Shape {
        const SHAPES: [(&str, Shape); 5] = [
            ("object", Shape::Section),
            ("array", Shape::List),
            ("boolean", Shape::Bool),
            ("integer", Shape::Integer),
            ("number", Shape::Number),
        ];
        let found = |kind: &str| {
            self.variants().any(|node| match node.get("type") {
                Some(Value::String(one)) => one == kind,
                Some(Value::Array(several)) => several.iter().any(|one| one == kind),
                _ => false,
            })
        };
        SHAPES
            .into_iter()
            .find_map(|(kind, shape)| found(kind).then_some(shape))
            .unwrap_or(Shape::Text)
    }

    /// The node and what it is one of: an optional section is `anyOf` it and null.
    fn variants(self) -> impl Iterator<Item = &'a Value> {
        let alternatives = ["anyOf", "oneOf", "allOf"]
            .into_iter()
            .filter_map(move |word| self.0.get(word)?.as_array())
            .flatten();
        std::iter::once(self.0).chain(alternatives)
    }
}
