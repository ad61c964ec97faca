//! Looks that anybody may ask for without an account: what is asked, of what, and what came of it.
//!
//! To add a tool: a line in [`Tool`], its settings in [`asked`], its words in [`finding`] and in
//! `web::pages::tools`, and the word in the table's check.

mod asked;
mod clean;
mod finding;
pub mod watch;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use asked::{Asked, RECORDS, Refusal, read};
pub use clean::clean;
pub use finding::{Finding, of_looks};

use crate::monitor::blocks::words;

/// How long a look of a tool may take.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// How much longer than that somebody waits for it.
pub const GRACE: Duration = Duration::from_secs(3);
/// Days that a result is kept.
pub const KEPT_DAYS: i64 = 7;
/// The most regions that are asked.
pub const MOST_REGIONS: usize = 12;
/// Looks of tools that may be open at once, over all visitors.
pub const MOST_OPEN: i64 = 400;
/// Looks of tools that are kept at once; the oldest go first.
pub const MOST_KEPT: i64 = 100_000;

words! {
    /// What a tool does.
    Tool {
        /// Is it down for everybody? A whole look from every region.
        Down "down",
        /// Echo requests.
        Ping "ping",
        /// What DNS says of a name.
        Dns "dns",
        /// The certificate and its chain.
        Certificate "certificate",
        /// Headers of a page, and the redirects that led to it.
        Headers "headers",
    }
}

/// The name of a result in its address: 80 random bits, so that nobody finds one by trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunId([u8; 10]);

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl RunId {
    /// A fresh one.
    pub fn generate() -> Self {
        // Six bits of a version 4 UUID are fixed; two of them together leave ten bytes that are not.
        let (one, two) = (Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes());
        let mut bytes = [0; 10];
        bytes[..5].copy_from_slice(&one[..5]);
        bytes[5..].copy_from_slice(&two[11..]);
        Self(bytes)
    }

    /// As it is stored.
    pub fn uuid(self) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..10].copy_from_slice(&self.0);
        Uuid::from_bytes(bytes)
    }

    /// The name that a stored UUID stands for.
    pub fn from_uuid(id: Uuid) -> Self {
        let mut bytes = [0; 10];
        bytes.copy_from_slice(&id.as_bytes()[..10]);
        Self(bytes)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for half in [&self.0[..5], &self.0[5..]] {
            let value = half
                .iter()
                .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
            for place in (0..8).rev() {
                let digit = usize::try_from(value >> (place * 5) & 31).unwrap_or(0);
                write!(f, "{}", char::from(DIGITS[digit]))?;
            }
        }
        Ok(())
    }
}

/// A text that names no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not the name of a result")]
pub struct RunIdError;

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let digits = text.as_bytes();
        if digits.len() != 16 {
            return Err(RunIdError);
        }
        let mut bytes = [0; 10];
        for (half, part) in digits.chunks(8).enumerate() {
            let mut value = 0_u64;
            for digit in part {
                let place = DIGITS.iter().position(|one| one == digit);
                value = value << 5 | u64::try_from(place.ok_or(RunIdError)?).unwrap_or(0);
            }
            bytes[half * 5..half * 5 + 5].copy_from_slice(&value.to_be_bytes()[3..]);
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_has_a_short_name_that_nobody_guesses() {
        let (one, two) = (RunId::generate(), RunId::generate());
        assert_ne!(one, two);
        assert_eq!(one.to_string().len(), 16);
        assert_eq!(one.to_string().parse(), Ok(one));
        assert_eq!(RunId::from_uuid(one.uuid()), one);
        for text in [
            "",
            "0123",
            "0123456789abcdeu",
            "0123456789abcdefg",
            "ääääääää",
        ] {
            assert_eq!(text.parse::<RunId>(), Err(RunIdError), "{text}");
        }
    }
}
