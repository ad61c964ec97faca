//! API keys: what a program may do in an account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::ApiKeyId;

/// What every secret begins with.
pub const SECRET_PREFIX: &str = "wb_";

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Read, with secrets masked.
    Read,
    /// Read and change everything but the account itself.
    Write,
    /// Send heartbeats, nothing else.
    Heartbeat,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Heartbeat];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// The scope a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// May read.
    pub const fn can_read(self) -> bool {
        matches!(self, Self::Read | Self::Write)
    }

    /// May change.
    pub const fn can_write(self) -> bool {
        matches!(self, Self::Write)
    }

    /// A key of this scope may make one of scope `other`: never a wider one.
    pub const fn covers(self, other: Self) -> bool {
        matches!(
            (self, other),
            (Self::Write, _) | (Self::Read, Self::Read) | (Self::Heartbeat, Self::Heartbeat)
        )
    }
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// The first characters of the secret, to tell keys apart.
    pub prefix: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// It has run out by `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// What is kept of a secret for people to recognise it by.
pub fn display_prefix(secret: &str) -> String {
    secret.chars().take(SECRET_PREFIX.len() + 6).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_covers_no_wider_one() {
        for wide in Scope::ALL {
            assert!(Scope::Write.covers(wide));
        }
        assert!(!Scope::Read.covers(Scope::Write) && !Scope::Read.covers(Scope::Heartbeat));
        assert!(!Scope::Heartbeat.covers(Scope::Read));
        assert_eq!(display_prefix("wb_abcdefghijk"), "wb_abcdef");
    }
}
