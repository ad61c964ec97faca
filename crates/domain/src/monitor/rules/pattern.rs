//! Regular expressions over a body: linear time, bounded memory.

use regex::bytes::{Regex, RegexBuilder};

use super::RuleError;

/// Bytes that a compiled pattern may take.
const MAX_COMPILED: usize = 1024 * 1024;
/// Bytes that matching may take beside.
const MAX_CACHE: usize = 512 * 1024;
/// Groups within groups.
const MAX_NESTING: u32 = 50;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern in the syntax of the `regex` crate: no look-around, no back references.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        RegexBuilder::new(text)
            .size_limit(MAX_COMPILED)
            .dfa_size_limit(MAX_CACHE)
            .nest_limit(MAX_NESTING)
            .build()
            .map(Self)
            .map_err(|error| RuleError::Pattern(brief(&error)))
    }

    /// Whether it matches anywhere in `body`.
    pub fn is_match(&self, body: &[u8]) -> bool {
        self.0.is_match(body)
    }
}

/// The last line of the library's picture of the error, in one sentence.
fn brief(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "it needs too much memory".to_owned(),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ")
                .chars()
                .take(100)
                .collect()
        }
    }
}
