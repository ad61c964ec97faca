//! Six-digit codes: how long they count, how often they may be tried and sent again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long a code is good.
pub const VALID_FOR: Duration = Duration::from_secs(600);
/// How long a code is good that went to a contact by mail: as long as no other one goes there.
pub const VALID_FOR_BY_MAIL: Duration = ONE_MAIL_IN;
/// An address that has not confirmed gets one mail in this time, over all accounts.
pub const ONE_MAIL_IN: Duration = Duration::from_secs(86_400);
/// Wrong tries after which a code is dead.
pub const MAX_ATTEMPTS: i32 = 5;
/// Least time between two codes to one address.
pub const RESEND_AFTER: Duration = Duration::from_secs(60);

/// Seconds until another code may be sent; `None` when it may be sent now.
pub fn resend_in(last_sent_at: Option<Timestamp>, now: Timestamp) -> Option<u64> {
    let waited = now.duration_since(last_sent_at?);
    let left = SignedDuration::try_from(RESEND_AFTER).ok()? - waited;
    (left > SignedDuration::ZERO).then(|| u64::try_from(left.as_secs()).unwrap_or(0).max(1))
}

/// A code that went to a contact by mail can still be typed.
pub fn still_good_by_mail(sent_at: Option<Timestamp>, now: Timestamp) -> bool {
    let valid = SignedDuration::try_from(VALID_FOR_BY_MAIL).unwrap_or(SignedDuration::ZERO);
    sent_at.is_some_and(|at| now.duration_since(at) < valid)
}

/// Six digits from a random number.
pub fn from_random(random: u32) -> String {
    format!("{:06}", random % 1_000_000)
}

/// The digits of what was typed, blanks and dashes dropped; `None` when it is not six digits.
pub fn typed(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .collect();
    (digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        let sent = Timestamp::from_second(1_000).unwrap();
        let after = |s: i64| Timestamp::from_second(1_000 + s).unwrap();
        assert_eq!(resend_in(None, after(0)), None);
        assert_eq!(resend_in(Some(sent), after(10)), Some(50));
        assert_eq!(resend_in(Some(sent), after(60)), None);
        let mailed = |hours: i64| still_good_by_mail(Some(sent), after(hours * 3_600));
        assert!(mailed(23) && !mailed(24) && !still_good_by_mail(None, sent));
        assert_eq!(from_random(42), "000042");
        assert_eq!(typed(" 482 913 "), Some("482913".into()));
        assert_eq!(typed("48291"), None);
    }
}
