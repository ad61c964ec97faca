//! Email addresses.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An address that was checked for shape. Stored as typed, compared in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that cannot be a mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an email address")]
pub struct EmailError;

impl EmailAddress {
    /// Takes `text` if it has the shape of a deliverable address: RFC 5321's atoms around one
    /// `@`, a dotted or single-label host, at most 254 characters, no blanks, no controls.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        let (local, host) = text.rsplit_once('@').ok_or(EmailError)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        let host_ok = !host.is_empty()
            && host.len() <= 253
            && host.split('.').all(label_ok)
            && (host.contains('.') || host.eq_ignore_ascii_case("localhost"));
        if text.len() <= 254 && local_ok && host_ok {
            Ok(Self(text.to_owned()))
        } else {
            Err(EmailError)
        }
    }

    /// As typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that two spellings of one address share.
    pub fn canonical(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

fn label_ok(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::EmailAddress;

    #[test]
    fn shapes() {
        for good in [
            "a@b.example",
            "First.Last+tag@sub.shop.example",
            "ops@localhost",
            " a@b.c ",
        ] {
            assert!(EmailAddress::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a b@c.d",
            "a@b..c",
            ".a@b.c",
            "a@-b.c",
            "a@b.c\r\nBcc: x@y.z",
            "a@b.c\0",
            "a@[127.0.0.1]",
            "a\u{202e}@b.c",
        ] {
            assert!(EmailAddress::parse(bad).is_err(), "{bad:?}");
        }
    }
}
