//! Paths into a JSON document.

use serde_json::Value;

use super::RuleError;

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
