use super::Said;

/// Collects where answers do not say what they should, so that one run shows all of it.
#[derive(Debug, Default)]
pub struct Complaints {
    compared: usize,
    lines: Vec<String>,
}

impl Complaints {
    /// Compares what was said, or why nothing was, with what should be.
    pub fn compare(&mut self, what: &str, said: Result<Said, String>, want: &Said) {
        self.compared += 1;
        match said {
            Ok(said) => {
                let lines = differences(&said, want);
                if !lines.is_empty() {
                    self.lines.push(format!("{what}\n{}", lines.join("\n")));
                }
            }
            Err(error) => self.lines.push(format!("{what}\n  {error}")),
        }
    }

    /// Fails if there was any, or if fewer than `least` were compared.
    #[track_caller]
    pub fn finish(self, least: usize) {
        let Self { compared, lines } = self;
        assert!(compared >= least, "only {compared} compared");
        assert!(
            lines.is_empty(),
            "{} of {compared} differ:\n{}",
            lines.len(),
            lines.join("\n")
        );
    }
}

fn differences(said: &Said, want: &Said) -> Vec<String> {
    // What the vendor did not count is 0 in a format that must say something.
    let [counted, should] = [said.usage, want.usage].map(Option::unwrap_or_default);
    [
        difference("text", &said.text, &want.text),
        difference(
            "calls",
            &format!("{:?}", said.calls),
            &format!("{:?}", want.calls),
        ),
        difference("usage", &format!("{counted:?}"), &format!("{should:?}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Both from a little before where they part.
fn difference(what: &str, said: &str, want: &str) -> Option<String> {
    if said == want {
        return None;
    }
    let same = said.chars().zip(want.chars()).take_while(|(a, b)| a == b);
    let from = same.count().saturating_sub(20);
    let show = |text: &str| text.chars().skip(from).take(100).collect::<String>();
    Some(format!(
        "  {what} from {from}: {:?}\n  {what} should be: {:?}",
        show(said),
        show(want)
    ))
}
