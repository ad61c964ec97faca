//! JSON rules: paths (RFC 9535 without filters and functions) and operators over a body.
//!
//! A path may select several values: a rule holds when any of them satisfies it, except `ne`,
//! which holds when none equals. To add an operator: a variant of [`Op`] and its arm in [`holds`].

use std::cmp::Ordering;

use serde_json::Value;

use super::spec::JsonRule;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Names(Vec<Selector>),
    Descend(Vec<Selector>),
}

/// What a step selects of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Name(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>, i64),
    All,
}

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Vec<Step>);

/// Why a path or operator was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The path does not begin with `$` or breaks the grammar at a character.
    #[error("is not a JSON path that we understand (at character {0})")]
    Path(usize),
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

/// Values one path may select; more than this in one body says nothing more.
const MOST_SELECTED: usize = 10_000;

impl Path {
    /// Parses a path such as `$.services[0]['name']`, `$..status` or `$.queue[*].length`.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let characters: Vec<char> = text.trim_end().chars().collect();
        let mut reader = Reader {
            characters: &characters,
            at: 0,
        };
        if !reader.eat('$') {
            return Err(RuleError::Path(0));
        }
        let mut steps = Vec::new();
        while reader.peek().is_some() {
            steps.push(reader.step()?);
        }
        Ok(Self(steps))
    }

    /// The values it selects in `document`.
    pub fn select<'v>(&self, document: &'v Value) -> Vec<&'v Value> {
        let mut selected = vec![document];
        for step in &self.0 {
            let mut next = Vec::new();
            for value in selected {
                match step {
                    Step::Names(selectors) => apply(selectors, value, &mut next),
                    Step::Descend(selectors) => descend(selectors, value, &mut next),
                }
            }
            next.truncate(MOST_SELECTED);
            selected = next;
        }
        selected
    }
}

fn apply<'v>(selectors: &[Selector], value: &'v Value, out: &mut Vec<&'v Value>) {
    for selector in selectors {
        match (selector, value) {
            (Selector::Name(name), Value::Object(map)) => out.extend(map.get(name)),
            (Selector::All, Value::Object(map)) => out.extend(map.values()),
            (Selector::All, Value::Array(items)) => out.extend(items),
            (Selector::Index(index), Value::Array(items)) => out.extend(at(items, *index)),
            (Selector::Slice(from, to, step), Value::Array(items)) => {
                slice(items, *from, *to, *step, out);
            }
            _ => {}
        }
    }
}

/// serde_json refuses documents deeper than 128, so the recursion is bounded.
fn descend<'v>(selectors: &[Selector], value: &'v Value, out: &mut Vec<&'v Value>) {
    if out.len() >= MOST_SELECTED {
        return;
    }
    apply(selectors, value, out);
    match value {
        Value::Array(items) => items.iter().for_each(|item| descend(selectors, item, out)),
        Value::Object(map) => map.values().for_each(|item| descend(selectors, item, out)),
        _ => {}
    }
}

fn at(items: &[Value], index: i64) -> Option<&Value> {
    let length = i64::try_from(items.len()).ok()?;
    let from_start = if index < 0 {
        length.checked_add(index)?
    } else {
        index
    };
    items.get(usize::try_from(from_start).ok()?)
}

/// RFC 9535, 2.3.4.2.2.
fn slice<'v>(
    items: &'v [Value],
    from: Option<i64>,
    to: Option<i64>,
    step: i64,
    out: &mut Vec<&'v Value>,
) {
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let normal = |index: i64| {
        if index < 0 {
            length.saturating_add(index)
        } else {
            index
        }
    };
    if step == 0 {
        return;
    }
    if step > 0 {
        let (mut index, end) = (
            normal(from.unwrap_or(0)).clamp(0, length),
            normal(to.unwrap_or(length)).clamp(0, length),
        );
        while index < end {
            out.extend(at(items, index));
            index = index.saturating_add(step);
        }
    } else {
        let mut index = from.map_or(length - 1, normal).clamp(-1, length - 1);
        let end = to.map_or(-1, normal).clamp(-1, length - 1);
        while index > end {
            out.extend(at(items, index));
            index = index.saturating_add(step);
        }
    }
}

struct Reader<'c> {
    characters: &'c [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn wrong<T>(&self) -> Result<T, RuleError> {
        Err(RuleError::Path(self.at))
    }

    fn blanks(&mut self) {
        while self
            .peek()
            .is_some_and(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
        {
            self.at += 1;
        }
    }

    fn step(&mut self) -> Result<Step, RuleError> {
        if self.eat('[') {
            return Ok(Step::Names(self.bracket()?));
        }
        if !self.eat('.') {
            return self.wrong();
        }
        if self.eat('.') {
            let selectors = if self.eat('[') {
                self.bracket()?
            } else {
                vec![self.dotted()?]
            };
            return Ok(Step::Descend(selectors));
        }
        Ok(Step::Names(vec![self.dotted()?]))
    }

    fn dotted(&mut self) -> Result<Selector, RuleError> {
        if self.eat('*') {
            return Ok(Selector::All);
        }
        let start = self.at;
        // Dashes and leading digits are outside the RFC's shorthand, yet people write them.
        while self
            .peek()
            .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-') || !c.is_ascii())
        {
            self.at += 1;
        }
        if start == self.at {
            return self.wrong();
        }
        Ok(Selector::Name(
            self.characters.iter().take(self.at).skip(start).collect(),
        ))
    }

    fn bracket(&mut self) -> Result<Vec<Selector>, RuleError> {
        let mut selectors = Vec::new();
        loop {
            self.blanks();
            selectors.push(self.selector()?);
            self.blanks();
            if self.eat(']') {
                return Ok(selectors);
            }
            if !self.eat(',') {
                return self.wrong();
            }
        }
    }

    fn selector(&mut self) -> Result<Selector, RuleError> {
        match self.peek() {
            Some('*') => {
                self.at += 1;
                Ok(Selector::All)
            }
            Some(quote @ ('\'' | '"')) => {
                self.at += 1;
                self.quoted(quote)
            }
            _ => self.index_or_slice(),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Selector, RuleError> {
        let mut name = String::new();
        while let Some(character) = self.peek() {
            self.at += 1;
            match character {
                c if c == quote => return Ok(Selector::Name(name)),
                '\\' => name.push(self.escape()?),
                c => name.push(c),
            }
        }
        self.wrong()
    }

    fn escape(&mut self) -> Result<char, RuleError> {
        let Some(character) = self.peek() else {
            return self.wrong();
        };
        self.at += 1;
        Ok(match character {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            '\'' | '"' | '\\' | '/' => character,
            _ => return self.wrong(),
        })
    }

    fn number(&mut self) -> Result<Option<i64>, RuleError> {
        let start = self.at;
        self.eat('-');
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        if start == self.at {
            return Ok(None);
        }
        let text: String = self.characters.iter().take(self.at).skip(start).collect();
        text.parse().map(Some).or_else(|_| self.wrong())
    }

    fn index_or_slice(&mut self) -> Result<Selector, RuleError> {
        let from = self.number()?;
        self.blanks();
        if !self.eat(':') {
            return from.map_or_else(|| self.wrong(), |index| Ok(Selector::Index(index)));
        }
        self.blanks();
        let to = self.number()?;
        self.blanks();
        let step = if self.eat(':') {
            self.blanks();
            self.number()?.unwrap_or(1)
        } else {
            1
        };
        Ok(Selector::Slice(from, to, step))
    }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    fn document() -> Value {
        json!({"status": "ok", "n": 3, "a b": {"c": true}, "list": [{"id": 1}, {"id": 2}, {"id": 3}],
               "deep": {"er": {"id": 9}}, "none": null})
    }

    #[rstest]
    #[case("$", 1)]
    #[case("$.status", 1)]
    #[case("$['a b'].c", 1)]
    #[case("$[\"a b\"]['c']", 1)]
    #[case("$.list[0].id", 1)]
    #[case("$.list[-1].id", 1)]
    #[case("$.list[9].id", 0)]
    #[case("$.list[*].id", 3)]
    #[case("$.list[0,2].id", 2)]
    #[case("$.list[1:].id", 2)]
    #[case("$.list[::-1].id", 3)]
    #[case("$.list[:2:1].id", 2)]
    #[case("$..id", 4)]
    #[case("$.none", 1)]
    #[case("$.absent", 0)]
    #[case("$.*", 6)]
    fn selects(#[case] path: &str, #[case] count: usize) {
        assert_eq!(Path::parse(path).unwrap().select(&document()).len(), count);
    }

    #[rstest]
    #[case("")]
    #[case("status")]
    #[case("$.")]
    #[case("$[")]
    #[case("$['a")]
    #[case("$[a]")]
    #[case("$[?@.a]")]
    #[case("$x")]
    #[case("$[99999999999999999999]")]
    fn refuses(#[case] path: &str) {
        assert!(Path::parse(path).is_err());
    }

    #[rstest]
    #[case("$.status", "eq", json!("ok"), true)]
    #[case("$.status", "ne", json!("ok"), false)]
    #[case("$.status", "contains", json!("o"), true)]
    #[case("$.n", "eq", json!(3.0), true)]
    #[case("$.n", "eq", json!("3"), false)]
    #[case("$.n", "gt", json!(2), true)]
    #[case("$.n", "ge", json!(3), true)]
    #[case("$.n", "lt", json!(3), false)]
    #[case("$.n", "le", json!(3), true)]
    #[case("$.list[*].id", "eq", json!(2), true)]
    #[case("$.list[*].id", "ne", json!(2), false)]
    #[case("$.none", "exists", json!(null), true)]
    #[case("$.absent", "exists", json!(null), false)]
    #[case("$.absent", "ne", json!(1), false)]
    #[case("$.status", "is", json!("ok"), false)]
    fn judges(#[case] path: &str, #[case] op: &str, #[case] value: Value, #[case] good: bool) {
        let rule = JsonRule {
            path: path.to_owned(),
            op: op.to_owned(),
            value,
        };
        assert_eq!(holds(&rule, &document()).is_ok(), good);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,40}") {
            let _ = Path::parse(&text).map(|path| path.select(&document()).len());
        }

        #[test]
        fn dollar_texts_neither(text in "\\$[\\[\\].*:'a0-9,-]{0,20}") {
            let _ = Path::parse(&text).map(|path| path.select(&document()).len());
        }
    }
}
