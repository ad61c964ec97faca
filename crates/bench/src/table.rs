//! A table in plain text.

use std::fmt::Write as _;

/// Lines of a name and its values.
#[derive(Debug, Default)]
pub struct Table(String);

impl Table {
    /// One that opens with `title` over its columns.
    pub fn new(title: &str, columns: &[&str]) -> Self {
        let mut table = Self::default();
        table.line(title, columns.iter().map(|&column| column.to_owned()));
        table
    }

    /// Adds a line.
    pub fn line(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        let _ = write!(self.0, "{name:<44}");
        for value in values {
            let _ = write!(self.0, "{value:>14}");
        }
        self.0.push('\n');
    }

    /// All of it.
    pub fn text(self) -> String {
        self.0
    }
}
