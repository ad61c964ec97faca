//! The few shapes of complaint that all fields share.

use std::fmt::Display;

use super::FieldError;

/// What a text may consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// One line that people read: anything visible, emoji too, no marks that turn its direction.
    Line,
    /// Letters, digits and `. _ : -`.
    Key,
    /// Anything that a database can hold.
    Free,
}

/// Complaints, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Complaints(Vec<FieldError>);

impl Complaints {
    pub(super) fn add(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, code, message));
    }

    pub(super) fn is_clean(&self, pointer: &str) -> bool {
        !self.0.iter().any(|complaint| complaint.pointer == pointer)
    }

    pub(super) fn into_vec(self) -> Vec<FieldError> {
        self.0
    }

    pub(super) fn range<T: PartialOrd + Display>(
        &mut self,
        pointer: &str,
        value: Option<T>,
        low: T,
        high: T,
    ) {
        if value.is_some_and(|value| value < low || value > high) {
            self.add(
                pointer,
                "out_of_range",
                format!("must be between {low} and {high}"),
            );
        }
    }

    pub(super) fn count(&mut self, pointer: &str, count: usize, low: usize, high: usize) {
        if count < low {
            self.add(
                pointer,
                "required",
                "must not be empty; leave it out for the default",
            );
        }
        if count > high {
            self.add(
                pointer,
                "too_many",
                format!("must have at most {high} entries"),
            );
        }
    }

    /// Names the first entry that repeats an earlier one.
    pub(super) fn distinct<T: PartialEq>(&mut self, pointer: &str, entries: &[T]) {
        let repeated = (1..entries.len().min(100)).find(|i| entries[..*i].contains(&entries[*i]));
        if let Some(i) = repeated {
            self.add(
                &format!("{pointer}/{i}"),
                "duplicate",
                "must not repeat an earlier entry",
            );
        }
    }

    pub(super) fn text(&mut self, pointer: &str, text: &str, most: usize, shape: Text) {
        let blank = match shape {
            Text::Free => text.is_empty(),
            Text::Line | Text::Key => text.trim().is_empty(),
        };
        if blank {
            self.add(pointer, "required", "must not be empty");
        } else if text.chars().count() > most {
            self.add(
                pointer,
                "too_long",
                format!("must be at most {most} characters long"),
            );
        } else if let Some(what) = wrong_character(text, shape) {
            self.add(
                pointer,
                "invalid_character",
                format!("must not contain {what}"),
            );
        }
    }
}

fn wrong_character(text: &str, shape: Text) -> Option<&'static str> {
    match shape {
        Text::Free => text.contains('\0').then_some("NUL characters"),
        Text::Line if text.chars().any(is_break) => Some("line breaks or control characters"),
        Text::Line if text.chars().any(turns_direction) => {
            Some("marks that turn the direction of writing")
        }
        Text::Line => None,
        Text::Key => {
            let good = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
            (!text.chars().all(good)).then_some("anything but letters, digits and . _ : -")
        }
    }
}

fn is_break(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Letters of right-to-left scripts need none of these; they serve to make a text read as another.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One step of a JSON pointer.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
