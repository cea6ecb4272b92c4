use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What the way back needs: how the request had to be changed for the target.
///
/// Writing a request returns one, reading its answer takes it. Most are empty, which costs
/// nothing.
///
/// ```
/// use aisix_core::dialect::Carry;
///
/// let mut carry = Carry::default();
/// carry.rename_tool("files.read", "files_read");
/// assert_eq!(carry.tool_name("files_read"), "files.read");
/// assert_eq!(carry.tool_name("search"), "search");
/// ```
#[derive(Clone, Default)]
pub struct Carry {
    inner: Option<Arc<Inner>>,
}

#[derive(Clone, Default)]
struct Inner {
    tools: BTreeMap<String, String>,
    state: Option<Arc<dyn Any + Send + Sync>>,
}

impl Carry {
    /// Remembers that the tool `name` is called `sent` on the wire.
    pub fn rename_tool(&mut self, name: impl Into<String>, sent: impl Into<String>) {
        self.inner().tools.insert(sent.into(), name.into());
    }

    /// The caller's name of the tool that the wire calls `sent`.
    #[must_use]
    pub fn tool_name<'a>(&'a self, sent: &'a str) -> &'a str {
        self.inner
            .as_ref()
            .and_then(|inner| inner.tools.get(sent))
            .map_or(sent, String::as_str)
    }

    /// Keeps a value of the dialect's own, in place of the one before.
    #[must_use]
    pub fn with_state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.inner().state = Some(Arc::new(state));
        self
    }

    /// The dialect's own value.
    #[must_use]
    pub fn state<T: 'static>(&self) -> Option<&T> {
        self.inner.as_ref()?.state.as_ref()?.downcast_ref()
    }

    fn inner(&mut self) -> &mut Inner {
        Arc::make_mut(self.inner.get_or_insert_default())
    }
}

impl fmt::Debug for Carry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut carry = f.debug_struct("Carry");
        if let Some(inner) = &self.inner {
            carry.field("tools", &inner.tools);
            carry.field("has_state", &inner.state.is_some());
        }
        carry.finish()
    }
}
