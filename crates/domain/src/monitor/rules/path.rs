//! Paths into a JSON document (RFC 9535), within bounds.
//!
//! The library follows the RFC to the letter, and so would follow a hostile path through a hostile
//! document for minutes. The bounds here keep the work of one path linear in the document: one
//! descent, few alternatives, and filters that look at the value itself. `match` and `search` are
//! left out, since they compile a pattern for each value; a rule of its own takes patterns.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::RuleError;

/// Selectors beyond the first of a bracket, in the whole path.
const MOST_ALTERNATIVES: usize = 4;

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(JsonPath);

impl Path {
    /// Parses a path such as `$.services[0]['name']`, `$..status` or `$.queue[?@.id == 7].length`.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let path = JsonPath::parse(text).map_err(|error| RuleError::Path(error.position()))?;
        if is_costly(text) {
            return Err(RuleError::Costly);
        }
        Ok(Self(path))
    }

    /// The values it selects in `document`.
    pub fn select<'v>(&self, document: &'v Value) -> Vec<&'v Value> {
        self.0.query(document).all()
    }
}

/// Whether a valid path may take more than linear time or memory. What stands in quotes is a name.
fn is_costly(path: &str) -> bool {
    let (mut descents, mut alternatives, mut roots) = (0, 0, 0);
    let mut quote = None;
    let mut before = ' ';
    let mut characters = path.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '.') if before == '.' => descents += 1,
            (None, ',') => alternatives += 1,
            (None, '$') => roots += 1,
            (None, _) => {}
        }
        before = character;
    }
    descents > 1 || alternatives > MOST_ALTERNATIVES || roots > 1
}
