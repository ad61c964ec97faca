//! Text that knows how to stand in a column of 72 characters.

use std::fmt;

const WIDTH: usize = 72;
/// Labels of facts take this much.
const LABEL: usize = 9;

/// One or two sentences on one line; controls and line breaks of what a target said are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Say(String);

impl Say {
    /// Takes any text.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self(one_line(text.as_ref()))
    }

    /// Wrapped behind a label.
    pub(crate) fn hang(&self) -> String {
        self.hang_by(LABEL)
    }

    /// Wrapped behind `indent` characters.
    pub(crate) fn hang_by(&self, indent: usize) -> String {
        wrap(&self.0, WIDTH.saturating_sub(indent)).join(&format!("\n{}", " ".repeat(indent)))
    }

    /// Wrapped from the margin.
    pub(crate) fn wrap(&self) -> String {
        wrap(&self.0, WIDTH).join("\n")
    }

    /// Wrapped where every line begins with blanks, the first one's written by the template.
    pub(crate) fn indent(&self, indent: usize) -> String {
        self.hang_by(indent)
    }
}

impl Say {
    /// For pages that wrap by themselves: what stands in parentheses at the end stays on one line.
    pub(crate) fn unbroken_end(&self) -> String {
        match self.0.rfind('(') {
            Some(at) if self.0.ends_with(')') => {
                let (before, end) = self.0.split_at(at);
                format!("{before}{}", end.replace(' ', "\u{a0}"))
            }
            _ => self.0.clone(),
        }
    }
}

impl fmt::Display for Say {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: AsRef<str>> From<T> for Say {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// Without controls, marks of direction and line breaks; runs of blanks are one.
pub(crate) fn one_line(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c })
        .filter(|c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'))
        .collect();
    visible
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word that is longer than the line (an address, a token) stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hang_behind_their_label() {
        let say = Say::new(
            "Your server answers 502; Cloudflare only passes it on. Likely the program behind your web server is not running.",
        );
        assert_eq!(
            format!("Why      {}", say.hang()),
            "Why      Your server answers 502; Cloudflare only passes it on. Likely\n         the program behind your web server is not running."
        );
        assert_eq!(Say::new("a\r\nBcc:\u{202e} x\0y").to_string(), "a Bcc: x y");
    }
}
