//! Who may be on call.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::contact::Contact;
use crate::ids::{ContactId, UserId};

/// Somebody who can be on call; written as the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Participant {
    /// A member of the account, reached by all contacts that are theirs.
    Member(UserId),
    /// One contact.
    Contact(ContactId),
}

/// A text that is neither a member's id nor a contact's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of a member (usr_…) or of a contact (con_…)")]
pub struct ParticipantError;

impl Participant {
    /// It is reached by this contact.
    pub fn is_reached_by(self, contact: &Contact) -> bool {
        match self {
            Self::Member(id) => contact.member_id == Some(id),
            Self::Contact(id) => contact.id == id,
        }
    }
}

impl fmt::Display for Participant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(id) => id.fmt(f),
            Self::Contact(id) => id.fmt(f),
        }
    }
}

impl FromStr for Participant {
    type Err = ParticipantError;

    fn from_str(text: &str) -> Result<Self, ParticipantError> {
        let member = || text.parse().map(Self::Member);
        let contact = || text.parse().map(Self::Contact);
        member()
            .or_else(|_| contact())
            .map_err(|_| ParticipantError)
    }
}

impl Serialize for Participant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Participant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
