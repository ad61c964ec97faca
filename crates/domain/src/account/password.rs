//! What a password must be (NIST SP 800-63B: length, not composition).

/// Why a password was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Under ten characters.
    #[error("needs at least 10 characters")]
    TooShort,
    /// Over 200 bytes.
    #[error("has more than 200 characters")]
    TooLong,
    /// One of the common ones, one character repeated, or the address itself.
    #[error("is too easy to guess")]
    Guessable,
}

const COMMON: [&str; 20] = [
    "1234567890",
    "0123456789",
    "password123",
    "qwertyuiop",
    "1q2w3e4r5t",
    "password1234",
    "iloveyou123",
    "passwordpassword",
    "letmein1234",
    "adminadmin",
    "administrator",
    "welcome123",
    "qwerty12345",
    "abc1234567",
    "watchbell1",
    "watchbell123",
    "changeme123",
    "password12",
    "12345678910",
    "1qaz2wsx3edc",
];

/// Accepts a new password for the owner of `email`.
pub fn check(password: &str, email: &str) -> Result<(), PasswordError> {
    let characters = password.chars().count();
    if characters < 10 {
        return Err(PasswordError::TooShort);
    }
    if password.len() > 200 {
        return Err(PasswordError::TooLong);
    }
    let lower = password.to_lowercase();
    let first = lower.chars().next();
    let one_character = lower.chars().all(|c| Some(c) == first);
    if one_character || COMMON.contains(&lower.as_str()) || lower == email.to_lowercase() {
        return Err(PasswordError::Guessable);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{PasswordError, check};

    #[test]
    fn length_counts_and_the_obvious_is_refused() {
        assert_eq!(check("short", "a@b.c"), Err(PasswordError::TooShort));
        assert_eq!(
            check(&"x1".repeat(101), "a@b.c"),
            Err(PasswordError::TooLong)
        );
        assert_eq!(
            check("aaaaaaaaaaaa", "a@b.c"),
            Err(PasswordError::Guessable)
        );
        assert_eq!(check("Password123", "a@b.c"), Err(PasswordError::Guessable));
        assert_eq!(
            check("Someone@Shop.example", "someone@shop.example"),
            Err(PasswordError::Guessable)
        );
        assert_eq!(check("correct horse battery", "a@b.c"), Ok(()));
    }
}
