use std::fmt;

/// All that is wrong with a resources file, which is refused whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblems {
    problems: Vec<FileProblem>,
}

/// One thing that is wrong with a resources file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileProblem {
    /// Where, as a JSON pointer such as `/models/0/timeout`; empty for the whole file.
    pub pointer: String,
    /// What.
    pub reason: String,
}

// === impl FileProblems ===

impl FileProblems {
    pub(super) fn none() -> Self {
        Self {
            problems: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, pointer: impl Into<String>, reason: impl Into<String>) {
        self.problems.push(FileProblem {
            pointer: pointer.into(),
            reason: reason.into(),
        });
    }

    /// Whether something is wrong at `pointer` already.
    pub(super) fn has(&self, pointer: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.pointer == pointer)
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }

    /// The problems, in the order of the file; at least one.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &FileProblem> {
        self.problems.iter()
    }
}

impl fmt::Display for FileProblems {
    /// One line for each problem.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fmt::Display::fmt(problem, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for FileProblems {}

// === impl FileProblem ===

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.reason)
    }
}
