//! The telephone provider's protocol as far as it is rules: signatures of its callbacks, and what
//! its status words mean.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use url::Url;

use crate::ids::{AccountId, DeliveryId};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "X-Twilio-Signature";

/// Where the provider reports what became of a delivery, below the public address.
pub fn status_callback(base: &str, account: AccountId, delivery: DeliveryId) -> String {
    format!(
        "{}/callbacks/twilio/status?account={account}&delivery={delivery}",
        base.trim_end_matches('/')
    )
}

/// Where the provider asks what a call says, below the public address.
pub fn voice_callback(base: &str, account: AccountId, delivery: DeliveryId) -> String {
    format!(
        "{}/callbacks/twilio/voice?account={account}&delivery={delivery}",
        base.trim_end_matches('/')
    )
}

/// Where the provider reports what became of a text message or call about the account itself.
pub fn message_callback(base: &str, message: uuid::Uuid) -> String {
    format!(
        "{}/callbacks/twilio/status?message={message}",
        base.trim_end_matches('/')
    )
}

/// The signature of a callback: HMAC-SHA1 over the public URL, then each form field's name and
/// value in the order of the names, in base64.
pub fn signature(auth_token: &str, url: &str, parameters: &[(String, String)]) -> String {
    BASE64.encode(mac(auth_token, url, parameters).finalize().into_bytes())
}

/// `given` is the signature of this callback, made over the URL with or without its default port.
/// Compared in constant time.
pub fn is_signed(
    auth_token: &str,
    url: &str,
    parameters: &[(String, String)],
    given: &str,
) -> bool {
    let Ok(given) = BASE64.decode(given) else {
        return false;
    };
    spellings(url).into_iter().fold(false, |found, url| {
        mac(auth_token, &url, parameters)
            .verify_slice(&given)
            .is_ok()
            | found
    })
}

fn mac(auth_token: &str, url: &str, parameters: &[(String, String)]) -> Hmac<Sha1> {
    // HMAC takes a key of any length; an empty one stands in where the library would disagree.
    let mut mac =
        <Hmac<Sha1> as KeyInit>::new_from_slice(auth_token.as_bytes()).unwrap_or_else(|_| {
            <Hmac<Sha1> as KeyInit>::new(&hmac::digest::Key::<Hmac<Sha1>>::default())
        });
    mac.update(url.as_bytes());
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    mac
}

/// The URL as given, with its default port, and without it.
fn spellings(url: &str) -> Vec<String> {
    let mut all = vec![url.to_owned()];
    let Ok(parsed) = Url::parse(url) else {
        return all;
    };
    let Some((authority_start, rest)) = url.split_once("://") else {
        return all;
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let default = match parsed.scheme() {
        "https" => ":443",
        "http" => ":80",
        _ => return all,
    };
    let other = match authority.strip_suffix(default) {
        Some(bare) => bare.to_owned(),
        None if parsed.port().is_none() => format!("{authority}{default}"),
        None => return all,
    };
    all.push(format!("{authority_start}://{other}{path}"));
    all
}

/// Where a text message stands, in the provider's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageStatus {
    /// On its way: accepted, scheduled, queued, sending or sent.
    OnItsWay,
    /// It arrived.
    Delivered,
    /// It did not arrive.
    Failed,
}

impl MessageStatus {
    /// The meaning of a status word; `None` for one we do not know.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "accepted" | "scheduled" | "queued" | "sending" | "sent" => Some(Self::OnItsWay),
            "delivered" | "read" => Some(Self::Delivered),
            "failed" | "undelivered" | "canceled" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// Where a call stands, in the provider's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStatus {
    /// Placed, ringing or talking.
    OnItsWay,
    /// Somebody or something answered, and it is over.
    Completed,
    /// The line is busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The network did not connect it.
    Failed,
}

impl CallStatus {
    /// The meaning of a status word; `None` for one we do not know.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "queued" | "initiated" | "ringing" | "in-progress" | "answered" => Some(Self::OnItsWay),
            "completed" => Some(Self::Completed),
            "busy" => Some(Self::Busy),
            "no-answer" => Some(Self::NoAnswer),
            "failed" | "canceled" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// Error codes after which the number is not worth another message: it is no number, no mobile
/// phone, gone, or its owner sent STOP.
pub const fn disables_number(code: u32) -> bool {
    matches!(
        code,
        13223 | 13224 | 21211 | 21214 | 21217 | 21610 | 21612 | 21614 | 30005 | 30006
    )
}

/// What an error code means, in words for the owner.
pub const fn error_words(code: u32) -> Option<&'static str> {
    Some(match code {
        13223 | 21211 | 21214 | 21217 => "the number does not exist",
        13224 => "the number cannot be called",
        13227 | 21215 => "calls to that country are not switched on",
        21610 | 30004 => "the number's owner has blocked messages from us",
        21612 => "the number cannot be reached by text message",
        21408 => "messages to that country are not switched on",
        21614 | 30006 => "the number cannot receive text messages",
        30003 => "the phone was switched off or out of reach",
        30005 => "the number is unknown to its network",
        30007 => "the network took the message for spam",
        30008 => "the network lost the message",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parameters() -> Vec<(String, String)> {
        [
            ("CallSid", "CA1234567890ABCDE"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
            ("Caller", "+14158675309"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
    /// The provider's published example.
    const SIGNED: &str = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";

    #[test]
    fn the_published_example() {
        assert_eq!(signature("12345", URL, &parameters()), SIGNED);
        let mut shuffled = parameters();
        shuffled.reverse();
        assert_eq!(signature("12345", URL, &shuffled), SIGNED);
    }

    #[rstest]
    #[case(URL, true)]
    #[case("https://mycompany.com:443/myapp.php?foo=1&bar=2", true)]
    #[case("https://mycompany.com:8443/myapp.php?foo=1&bar=2", false)]
    #[case("http://mycompany.com/myapp.php?foo=1&bar=2", false)]
    #[case("https://mycompany.com/myapp.php?foo=1&bar=3", false)]
    #[case("not a url", false)]
    fn with_and_without_the_default_port(#[case] url: &str, #[case] good: bool) {
        assert_eq!(is_signed("12345", url, &parameters(), SIGNED), good);
    }

    #[test]
    fn a_signature_over_the_port_is_taken_too() {
        let with_port = signature("12345", "https://mycompany.com:443/x", &[]);
        assert!(is_signed(
            "12345",
            "https://mycompany.com/x",
            &[],
            &with_port
        ));
    }

    #[test]
    fn what_is_not_signed() {
        assert!(!is_signed("54321", URL, &parameters(), SIGNED));
        assert!(!is_signed("12345", URL, &parameters()[1..], SIGNED));
        assert!(!is_signed("12345", URL, &parameters(), ""));
        assert!(!is_signed(
            "12345",
            URL,
            &parameters(),
            "RSOYDt4T1cUTdK1PDd93"
        ));
    }

    #[test]
    fn status_words() {
        assert_eq!(
            MessageStatus::parse("undelivered"),
            Some(MessageStatus::Failed)
        );
        assert_eq!(
            MessageStatus::parse("queued"),
            Some(MessageStatus::OnItsWay)
        );
        assert_eq!(MessageStatus::parse("Delivered"), None);
        assert_eq!(
            [
                "ringing",
                "completed",
                "no-answer",
                "busy",
                "canceled",
                "gone"
            ]
            .map(CallStatus::parse),
            [
                Some(CallStatus::OnItsWay),
                Some(CallStatus::Completed),
                Some(CallStatus::NoAnswer),
                Some(CallStatus::Busy),
                Some(CallStatus::Failed),
                None
            ]
        );
    }
}
