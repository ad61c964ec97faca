//! Rules over a body: JSON paths (RFC 9535) with operators, and regular expressions.
//!
//! A path may select several values: a rule holds when any of them satisfies it, except `ne`,
//! which holds when none equals. To add an operator: a variant of [`Op`] and its arm in [`holds`].

mod path;
mod pattern;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use serde_json::Value;

use super::spec::JsonRule;
pub use path::Path;
pub use pattern::Pattern;

/// Values of a JSON document that rules look through.
pub const MOST_VALUES: usize = 100_000;

/// Why a path or operator was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The path does not begin with `$` or breaks the grammar at a character.
    #[error("is not a JSON path that we understand (at character {0})")]
    Path(usize),
    /// The path is valid, but may take more time than a look has.
    #[error("must have at most one .., four commas and no $ after the first")]
    Costly,
    /// The pattern is no regular expression, or one that needs too much memory.
    #[error("is not a regular expression that we can use: {0}")]
    Pattern(String),
    /// The operator is not one of the eight.
    #[error("must be one of eq, ne, gt, lt, ge, le, contains, exists")]
    Op,
}

/// The operators of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the variants are the operators of the reference"
)]
pub enum Op {
    Eq,
    Ne,
    Gt,
    Lt,
    Ge,
    Le,
    Contains,
    Exists,
}

impl Op {
    /// The operator a word stands for.
    pub fn parse(word: &str) -> Result<Self, RuleError> {
        Ok(match word {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "gt" => Self::Gt,
            "lt" => Self::Lt,
            "ge" => Self::Ge,
            "le" => Self::Le,
            "contains" => Self::Contains,
            "exists" => Self::Exists,
            _ => return Err(RuleError::Op),
        })
    }
}

/// The most values that `text` can have as a JSON document, without parsing it.
pub fn count_values(text: &[u8]) -> usize {
    let (mut count, mut quoted, mut escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' | b'[' | b'{' if !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// Whether `rule` holds over `document`; else what was found instead, for people.
pub fn holds(rule: &JsonRule, document: &Value) -> Result<(), String> {
    let (path, op) = match (Path::parse(&rule.path), Op::parse(&rule.op)) {
        (Ok(path), Ok(op)) => (path, op),
        (Err(error), _) => return Err(format!("path {} {error}", rule.path)),
        (_, Err(error)) => return Err(format!("operator {} {error}", rule.op)),
    };
    let found = path.select(document);
    if op == Op::Exists {
        return if found.is_empty() {
            Err(format!("{} is not there", rule.path))
        } else {
            Ok(())
        };
    }
    if found.is_empty() {
        return Err(format!("{} is not there", rule.path));
    }
    let satisfied = match op {
        Op::Ne => !found.iter().any(|value| equal(value, &rule.value)),
        _ => found.iter().any(|value| compare(op, value, &rule.value)),
    };
    if satisfied {
        return Ok(());
    }
    let shown = found.first().map(|value| brief(value)).unwrap_or_default();
    Err(format!(
        "{} is {shown}, expected {} {}",
        rule.path,
        rule.op,
        brief(&rule.value)
    ))
}

fn compare(op: Op, found: &Value, wanted: &Value) -> bool {
    match op {
        Op::Eq => equal(found, wanted),
        Op::Ne => !equal(found, wanted),
        Op::Gt => order(found, wanted) == Some(Ordering::Greater),
        Op::Lt => order(found, wanted) == Some(Ordering::Less),
        Op::Ge => order(found, wanted).is_some_and(Ordering::is_ge),
        Op::Le => order(found, wanted).is_some_and(Ordering::is_le),
        Op::Contains => contains(found, wanted),
        Op::Exists => true,
    }
}

/// Numbers are equal by value, so that 1 and 1.0 are.
fn equal(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => a == b || x.total_cmp(&y).is_eq(),
        _ => a == b,
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(x), Value::String(y)) => Some(x.cmp(y)),
        _ => None,
    }
}

fn contains(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
        (Value::Array(items), _) => items.iter().any(|item| equal(item, wanted)),
        (Value::Object(map), Value::String(key)) => map.contains_key(key),
        _ => false,
    }
}

/// A value in at most 60 characters.
fn brief(value: &Value) -> String {
    let whole = value.to_string();
    if whole.chars().count() <= 60 {
        return whole;
    }
    whole.chars().take(57).chain("...".chars()).collect()
}
