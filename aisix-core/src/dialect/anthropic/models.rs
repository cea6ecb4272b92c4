//! What each line of Claude takes and refuses.
//!
//! Source: Anthropic's model overview and migration guides of November 2026. `GET /v1/models` of an
//! account says the same of models that are newer than this table, and a model resource can say it.

use crate::dialect::ThinkingControl::{self, Adaptive, BetweenTools, Budget, None as NoThinking};
use crate::dialect::{Capabilities, TargetModel};

/// What is known of the target.
pub(super) fn capabilities(target: &TargetModel<'_>) -> Capabilities {
    target.capabilities(&table(target.name()))
}

/// A line of models, by what its names hold behind `claude-`.
#[derive(Debug)]
struct Line {
    name: &'static str,
    max_output_tokens: u64,
    /// What is taken: the letters that [`LINES`] explains.
    takes: &'static str,
    thinking: ThinkingControl,
    efforts: &'static [&'static str],
}

/// Names come with dates, and with the prefixes of clouds and routers, before or behind the line.
fn table(model: &str) -> Capabilities {
    let Some((_, name)) = model.split_once("claude-") else {
        // Other vendors serve models of their own in this format; they know the older words.
        return Capabilities {
            thinking: Some(Budget),
            thinking_off: Some(true),
            ..Capabilities::default()
        };
    };
    // Bedrock and old configurations write versions with a dot.
    let name = name.replace('.', "-");
    let line = LINES.iter().find(|line| name.starts_with(line.name));
    line.unwrap_or(&NEWEST).capabilities()
}

impl Line {
    fn capabilities(&self) -> Capabilities {
        let takes = |what: char| Some(self.takes.contains(what));
        let efforts = self.efforts.iter().map(|&effort| effort.to_owned());
        Capabilities {
            max_output_tokens: Some(self.max_output_tokens),
            sampling: takes('s'),
            prefill: takes('p'),
            forced_tools: takes('f'),
            json_schema: takes('j'),
            system_turns: takes('t'),
            thinking: Some(self.thinking),
            thinking_off: takes('o'),
            thinking_budget: (self.thinking == Budget)
                .then_some((MIN_BUDGET, self.max_output_tokens - 1)),
            efforts: (!self.efforts.is_empty()).then(|| efforts.collect()),
            ..Capabilities::default()
        }
    }
}

const fn line(
    name: &'static str,
    max_output_tokens: u64,
    takes: &'static str,
    thinking: ThinkingControl,
    efforts: &'static [&'static str],
) -> Line {
    Line {
        name,
        max_output_tokens,
        takes,
        thinking,
        efforts,
    }
}

/// The lines, the longer of two names that begin alike first.
///
/// Taken are: `s`ampling, a `p`refilled answer, `f`orced tools, a `j`SON Schema, system `t`urns,
/// thinking that is turned `o`ff.
#[rustfmt::skip]
const LINES: &[Line] = &[
    line("opus-5-5",   128_000, "jt",     Adaptive,     ALL_EFFORTS),
    line("sonnet-5-5", 128_000, "jto",    BetweenTools, ALL_EFFORTS),
    line("haiku-5-5",  128_000, "fjto",   Adaptive,     ALL_EFFORTS),
    line("fable-5",    128_000, "jt",     Adaptive,     ALL_EFFORTS),
    line("mythos-5",   128_000, "jt",     Adaptive,     ALL_EFFORTS),
    line("opus-5",     128_000, "fjto",   Adaptive,     ALL_EFFORTS),
    line("sonnet-5",   128_000, "fjto",   Adaptive,     ALL_EFFORTS),
    line("opus-4-8",   128_000, "fjto",   Adaptive,     ALL_EFFORTS),
    line("opus-4-7",   128_000, "fjo",    Adaptive,     ALL_EFFORTS),
    line("opus-4-6",   128_000, "sfjo",   Adaptive,     &["low", "medium", "high", "max"]),
    line("sonnet-4-6", 128_000, "sfjo",   Adaptive,     &["low", "medium", "high", "max"]),
    line("opus-4-5",    64_000, "spfjo",  Budget,       &["low", "medium", "high"]),
    line("sonnet-4-5",  64_000, "spfjo",  Budget,       &[]),
    line("haiku-4-5",   64_000, "spfjo",  Budget,       &[]),
    line("opus-4",      32_000, "spfo",   Budget,       &[]),
    line("sonnet-4",    64_000, "spfo",   Budget,       &[]),
    line("3-7-sonnet",  64_000, "spfo",   Budget,       &[]),
    line("3-5-",         8_192, "spfo",   NoThinking,   &[]),
    line("3-",           4_096, "spfo",   NoThinking,   &[]),
];

/// What a Claude is taken for that is none of these.
const NEWEST: Line = line("", 128_000, "fjto", Adaptive, ALL_EFFORTS);

const ALL_EFFORTS: &[&str] = &["low", "medium", "high", "xhigh", "max"];

/// The fewest tokens that a budget for thinking may have.
pub(super) const MIN_BUDGET: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clouds_and_dates_find_their_line() {
        let max = |name| table(name).max_output_tokens;
        assert_eq!(max("claude-sonnet-4-5-20250929"), Some(64_000));
        assert_eq!(
            max("us.anthropic.claude-opus-4-1-20250805-v1:0"),
            Some(32_000)
        );
        assert_eq!(max("anthropic/claude-opus-4.6"), Some(128_000));
        assert_eq!(max("claude-3-opus-20240229"), Some(4096));
        assert_eq!(max("kimi-k2"), None);
    }

    #[test]
    fn a_longer_name_is_not_taken_for_its_beginning() {
        assert_eq!(table("claude-opus-5").forced_tools, Some(true));
        assert_eq!(table("claude-opus-5-5").forced_tools, Some(false));
        assert_eq!(table("claude-sonnet-5-5").thinking, Some(BetweenTools));
        for (at, line) in LINES.iter().enumerate() {
            let hides = |later: &&Line| later.name.starts_with(line.name);
            assert!(LINES[at + 1..].iter().find(hides).is_none(), "{line:?}");
        }
    }

    #[test]
    fn an_operator_knows_better() {
        let told = Capabilities {
            sampling: Some(true),
            ..Capabilities::default()
        };
        let target = TargetModel::new("claude-opus-5").with_capabilities(Some(&told));
        let known = capabilities(&target);
        assert_eq!((known.sampling, known.prefill), (Some(true), Some(false)));
    }
}
