//! Whether the cause that was named was the right one: what people may say of it.

use crate::ids::{ApiKeyId, ContactId, UserId};

/// Characters of what somebody says that it was.
pub const MAX_SAID: usize = 500;

/// Who answers. Each has one answer for an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answerer {
    /// A person who signed in, or whose contact was asked.
    User(UserId),
    /// A contact that is no member's.
    Contact(ContactId),
    /// A program.
    ApiKey(ApiKeyId),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The cause was right.
    pub is_right: bool,
    /// What it was.
    pub said: Option<String>,
}

/// Why a text is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It has more than [`MAX_SAID`] characters.
    TooLong,
    /// It has characters that are not to be shown.
    Control,
}

/// What somebody says that it was, as it is kept: `None` when it is empty.
pub fn said(text: &str) -> Result<Option<String>, Unfit> {
    let text = text.trim();
    if text.chars().count() > MAX_SAID {
        return Err(Unfit::TooLong);
    }
    let is_hidden = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\r' | '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
    };
    if text.chars().any(is_hidden) {
        return Err(Unfit::Control);
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing(" \n", Ok(None))]
    #[case::words("  The disk was full.\n", Ok(Some("The disk was full.".to_owned())))]
    #[case::markup("<b>disk</b>", Ok(Some("<b>disk</b>".to_owned())))]
    #[case::a_bell("disk\u{7}", Err(Unfit::Control))]
    #[case::a_turned_line("disk \u{202e}llur", Err(Unfit::Control))]
    fn a_text_is_bounded_and_readable(
        #[case] text: &str,
        #[case] kept: Result<Option<String>, Unfit>,
    ) {
        assert_eq!(said(text), kept);
    }

    #[test]
    fn the_longest_text_is_counted_in_characters() {
        assert!(said(&"ü".repeat(MAX_SAID)).is_ok());
        assert_eq!(said(&"ü".repeat(MAX_SAID + 1)), Err(Unfit::TooLong));
    }
}
