//! What a member may do.

use serde::{Deserialize, Serialize};

/// A member's role, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, also delete the account.
    Owner,
    /// Everything but deleting the account.
    Admin,
    /// Monitors, contacts, incidents.
    Editor,
    /// Acknowledge, comment, resolve.
    Responder,
    /// Read.
    Viewer,
}

impl Role {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Responder => "responder",
            Self::Viewer => "viewer",
        }
    }

    /// The role a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Owner,
            Self::Admin,
            Self::Editor,
            Self::Responder,
            Self::Viewer,
        ]
        .into_iter()
        .find(|role| role.as_str() == word)
    }

    /// May change monitors and contacts.
    pub fn can_edit(self) -> bool {
        self <= Self::Editor
    }

    /// May acknowledge, resolve and comment.
    pub fn can_respond(self) -> bool {
        self <= Self::Responder
    }

    /// May manage keys, members and the plan.
    pub fn can_administer(self) -> bool {
        self <= Self::Admin
    }
}
