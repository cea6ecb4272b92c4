use std::collections::VecDeque;

use aisix_core::config::Change;
use aisix_core::config::Revision;

/// The latest commits, one for each revision, for those who watch.
#[derive(Debug)]
pub(super) struct Log {
    revision: Revision,
    commits: VecDeque<(Revision, Vec<Change>)>,
    changes: usize,
}

/// What is next for one who has seen everything up to a revision.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Nothing has happened since.
    Wait,
    /// A commit.
    Delta(Revision, Vec<Change>),
    /// The log does not go back so far: a complete state.
    Full,
}

/// So many changes are kept; a commit that changes nothing counts as one.
const BOUND: usize = 4096;

impl Log {
    /// A log that begins after `revision`.
    pub(super) fn new(revision: Revision) -> Self {
        Self {
            revision,
            commits: VecDeque::new(),
            changes: 0,
        }
    }

    /// The revision of the latest commit.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// Adds the commit that follows.
    pub(super) fn push(&mut self, revision: Revision, changes: Vec<Change>) {
        self.revision = revision;
        self.changes += weight(&changes);
        self.commits.push_back((revision, changes));
        while self.changes > BOUND {
            let Some((_, oldest)) = self.commits.pop_front() else {
                break;
            };
            self.changes -= weight(&oldest);
        }
    }

    /// What is next after `seen`.
    pub(super) fn after(&self, seen: Revision) -> Next {
        if seen >= self.revision {
            return Next::Wait;
        }
        let behind = self.revision.get() - seen.get();
        let commit = usize::try_from(behind)
            .ok()
            .and_then(|behind| self.commits.len().checked_sub(behind))
            .and_then(|index| self.commits.get(index));
        match commit {
            Some((revision, changes)) => Next::Delta(*revision, changes.clone()),
            None => Next::Full,
        }
    }
}

fn weight(changes: &[Change]) -> usize {
    changes.len().max(1)
}

#[cfg(test)]
mod tests {
    use aisix_core::resource::Id;
    use aisix_core::resource::Kind;

    use super::*;

    #[test]
    fn hands_out_each_commit_in_turn() {
        let mut log = Log::new(Revision::new(7));
        assert_eq!(log.after(Revision::new(7)), Next::Wait);
        log.push(Revision::new(8), changes(2));
        log.push(Revision::new(9), Vec::new());

        let first = Next::Delta(Revision::new(8), changes(2));
        assert_eq!(log.after(Revision::new(7)), first);
        let second = Next::Delta(Revision::new(9), Vec::new());
        assert_eq!(log.after(Revision::new(8)), second);
        assert_eq!(log.after(Revision::new(9)), Next::Wait);
        assert_eq!(log.revision(), Revision::new(9));
    }

    #[test]
    fn sends_those_who_fell_behind_back_to_the_start() {
        let mut log = Log::new(Revision::new(7));
        log.push(Revision::new(8), changes(2));
        assert_eq!(log.after(Revision::new(6)), Next::Full);
        log.push(Revision::new(9), changes(BOUND - 1));
        assert_eq!(log.after(Revision::new(7)), Next::Full);
        assert!(matches!(log.after(Revision::new(8)), Next::Delta(..)));
        log.push(Revision::new(10), changes(BOUND + 1));
        assert_eq!(log.after(Revision::new(9)), Next::Full);
        assert_eq!(log.after(Revision::new(10)), Next::Wait);
    }

    fn changes(count: usize) -> Vec<Change> {
        let id = Id::new("1").unwrap();
        vec![Change::Delete(Kind::Models, id); count]
    }
}
