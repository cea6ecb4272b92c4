use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Where `${VAR}` references are looked up.
///
/// Libraries read no process environment: the host says what a name stands for. The default knows
/// no name, so that every reference is an error rather than a credential spelt `${KEY}`.
///
/// ```
/// use aisix_core::resource::Environment;
///
/// let environment = Environment::new(|name| (name == "KEY").then(|| "sk-1".to_owned()));
/// assert_eq!(environment.expand("Bearer ${KEY}").unwrap(), "Bearer sk-1");
/// assert_eq!(environment.expand("a literal $${KEY}").unwrap(), "a literal ${KEY}");
/// assert_eq!(environment.expand("${NO}").unwrap_err().name(), "NO");
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    lookup: Option<Arc<dyn Fn(&str) -> Option<String> + Send + Sync>>,
}

/// A reference to a variable that is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved(Box<str>);

// === impl Environment ===

impl Environment {
    /// Looks names up with `lookup`.
    #[must_use]
    pub fn new(lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            lookup: Some(Arc::new(lookup)),
        }
    }

    /// The value of `name`, if it is set.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        self.lookup.as_ref().and_then(|lookup| lookup(name))
    }

    /// Replaces each `${NAME}` in `text`; `$${` stands for a literal `${`.
    ///
    /// What does not look like a reference (`${}`, `${a-b}`) is left as it is.
    ///
    /// # Errors
    ///
    /// When a name is not set.
    pub fn expand<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, Unresolved> {
        let Some(first) = text.find("${") else {
            return Ok(Cow::Borrowed(text));
        };
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut at = first;
        loop {
            let (before, tail) = rest.split_at(at);
            let inner = &tail[2..];
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = inner;
            } else {
                out.push_str(before);
                rest = self.substitute(inner, &mut out)?;
            }
            match rest.find("${") {
                Some(next) => at = next,
                None => break,
            }
        }
        out.push_str(rest);
        Ok(Cow::Owned(out))
    }

    /// Writes the value of the reference that `inner` begins with; returns what follows it.
    fn substitute<'a>(&self, inner: &'a str, out: &mut String) -> Result<&'a str, Unresolved> {
        match inner.split_once('}') {
            Some((name, after)) if is_name(name) => {
                let value = self.value(name).ok_or_else(|| Unresolved(name.into()))?;
                out.push_str(&value);
                Ok(after)
            }
            _ => {
                out.push_str("${");
                Ok(inner)
            }
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

// === impl Unresolved ===

impl Unresolved {
    /// The name that is not set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable `{}` is not set", self.0)
    }
}

impl std::error::Error for Unresolved {}

/// Whether `text` is a name as POSIX shells know it.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Writes `text` so that [`Environment::expand`] gives it back, whatever it holds.
#[cfg(feature = "file")]
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains("${") {
        Cow::Owned(text.replace("${", "$${"))
    } else {
        Cow::Borrowed(text)
    }
}
