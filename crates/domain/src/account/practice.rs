//! The practice site: every account has one, to break it on purpose.

use jiff::Timestamp;

use crate::ids::AccountId;

/// How the practice site behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PracticeMode {
    /// Answers as it should.
    Fine,
    /// Answers 502, as a web server whose program is gone.
    BadGateway,
    /// Answers 503.
    Unavailable,
    /// Answers after three seconds.
    Slow,
    /// Takes the request and says nothing.
    Hangs,
    /// Answers 200 without the text that is looked for.
    WrongText,
}

/// The text that the practice site shows while it is fine.
pub const PRACTICE_TEXT: &str = "Open for business";

impl PracticeMode {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 6] = [
        Self::Fine,
        Self::BadGateway,
        Self::Unavailable,
        Self::Slow,
        Self::Hangs,
        Self::WrongText,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::BadGateway => "502",
            Self::Unavailable => "503",
            Self::Slow => "slow",
            Self::Hangs => "hangs",
            Self::WrongText => "wrong_text",
        }
    }

    /// The mode a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }

    /// What its button says.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Fine => "Fine",
            Self::BadGateway => "Error 502",
            Self::Unavailable => "Error 503",
            Self::Slow => "Slow",
            Self::Hangs => "Hangs",
            Self::WrongText => "Wrong text",
        }
    }

    /// What a visitor of the site would see.
    pub const fn effect(self) -> &'static str {
        match self {
            Self::Fine => "Answers at once, as it should.",
            Self::BadGateway => "The web server answers, the program behind it is gone.",
            Self::Unavailable => "The server says it is overloaded.",
            Self::Slow => "Answers, after three seconds.",
            Self::Hangs => "Takes the request and never answers.",
            Self::WrongText => "Answers 200 with an error message in the page.",
        }
    }

    /// Whether a monitor of the practice site goes down.
    pub const fn is_outage(self) -> bool {
        !matches!(self, Self::Fine | Self::Slow)
    }
}

/// An account's practice site.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct Practice {
    pub account_id: AccountId,
    pub mode: PracticeMode,
    pub changed_at: Option<Timestamp>,
    pub timezone: String,
}

/// The path of the page with the buttons.
pub fn control_path(token: &str) -> String {
    format!("/practice/{token}")
}

/// The path of the site itself.
pub fn site_path(token: &str) -> String {
    format!("/practice/{token}/site")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for mode in PracticeMode::ALL {
            assert_eq!(PracticeMode::parse(mode.as_str()), Some(mode));
        }
        assert_eq!(PracticeMode::parse("504"), None);
    }
}
