//! What a relay's answer means for the mail, the contact and us.

use domain::delivery::retry::ErrorClass;
use egress::smtp::SmtpError;

use crate::send::Trouble;

/// At which point the relay spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Before it knew of the mail: connection, encryption, login.
    Session,
    /// About this mail.
    Mail,
}

/// Reads the trouble.
pub(super) fn classify(error: &SmtpError, stage: Stage) -> Trouble {
    let message = error.to_string();
    match error {
        SmtpError::Ambiguous => Trouble {
            ambiguous: true,
            ..transient(message)
        },
        SmtpError::Permanent(_) | SmtpError::Tls(_) if stage == Stage::Session => Trouble {
            class: ErrorClass::Ours,
            ambiguous: false,
            contact_reason: None,
            message,
        },
        SmtpError::Permanent(reply) => refused(reply, message),
        SmtpError::Transient(_)
        | SmtpError::Resolve(_)
        | SmtpError::Connect(_)
        | SmtpError::Tls(_)
        | SmtpError::Protocol(_)
        | SmtpError::Cut
        | SmtpError::Timeout => transient(message),
    }
}

fn transient(message: String) -> Trouble {
    Trouble {
        class: ErrorClass::Transient { retry_after: None },
        ambiguous: false,
        contact_reason: None,
        message,
    }
}

/// A 5xx about this mail. Only "no such mailbox" speaks against the address; "full" passes; a login that
/// is wanted or a sender that is not liked is our own affair.
fn refused(reply: &str, message: String) -> Trouble {
    let (code, text) = (code(reply), reply.to_ascii_lowercase());
    let enhanced = |status: &str| text.contains(status);
    let ours = matches!(code, Some(530 | 534 | 535 | 538))
        || enhanced("5.7.8")
        || enhanced("5.7.0 authentication");
    if ours {
        return Trouble {
            class: ErrorClass::Ours,
            ambiguous: false,
            contact_reason: None,
            message,
        };
    }
    if code == Some(552) || enhanced("5.2.2") {
        return transient(message);
    }
    let no_mailbox = enhanced("5.1.1")
        || enhanced("5.1.0")
        || enhanced("5.1.10")
        || enhanced("5.2.1")
        || matches!(code, Some(550 | 551 | 553)) && GONE.iter().any(|words| text.contains(words));
    Trouble {
        class: ErrorClass::Permanent {
            disable_contact: no_mailbox,
        },
        ambiguous: false,
        contact_reason: no_mailbox.then_some("the mailbox does not exist"),
        message,
    }
}

const GONE: [&str; 10] = [
    "user unknown",
    "unknown user",
    "no such user",
    "no such recipient",
    "recipient unknown",
    "mailbox not found",
    "mailbox unavailable",
    "does not exist",
    "invalid recipient",
    "unknown recipient",
];

/// The reply code in lettre's words, `permanent error (550): …`.
fn code(reply: &str) -> Option<u16> {
    reply
        .split(['(', ')', ' ', ':'])
        .find_map(|part| (part.len() == 3).then(|| part.parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "permanent error (550): 5.1.1 <x@y.example>: Recipient address rejected: User unknown",
        true
    )]
    #[case("permanent error (550): No such user here", true)]
    #[case("permanent error (551): User not local; mailbox does not exist", true)]
    #[case("permanent error (550): 5.7.1 Message rejected as spam", false)]
    #[case("permanent error (554): 5.7.1 Relay access denied", false)]
    #[case(
        "permanent error (553): sorry, your envelope sender is in my badmailfrom list",
        false
    )]
    fn refused_for_good(#[case] reply: &str, #[case] disable_contact: bool) {
        let trouble = classify(&SmtpError::Permanent(reply.to_owned()), Stage::Mail);
        assert_eq!(trouble.class, ErrorClass::Permanent { disable_contact });
        assert_eq!(trouble.contact_reason.is_some(), disable_contact);
        assert!(!trouble.ambiguous);
    }

    #[rstest]
    #[case(SmtpError::Transient("transient error (450): greylisted".into()), Stage::Mail, false)]
    #[case(SmtpError::Transient("transient error (421): too busy".into()), Stage::Session, false)]
    #[case(SmtpError::Permanent("permanent error (552): 5.2.2 mailbox full".into()), Stage::Mail, false)]
    #[case(SmtpError::Timeout, Stage::Session, false)]
    #[case(SmtpError::Protocol("no SMTP".into()), Stage::Mail, false)]
    #[case(SmtpError::Cut, Stage::Mail, false)]
    #[case(SmtpError::Ambiguous, Stage::Mail, true)]
    fn tried_again(#[case] error: SmtpError, #[case] stage: Stage, #[case] ambiguous: bool) {
        let trouble = classify(&error, stage);
        assert_eq!(trouble.class, ErrorClass::Transient { retry_after: None });
        assert_eq!(trouble.ambiguous, ambiguous);
    }

    #[rstest]
    #[case(SmtpError::Permanent("permanent error (535): 5.7.8 bad credentials".into()), Stage::Session)]
    #[case(SmtpError::Permanent("permanent error (530): 5.7.0 Authentication required".into()), Stage::Mail)]
    #[case(SmtpError::Tls("no STARTTLS".into()), Stage::Session)]
    fn our_own_fault(#[case] error: SmtpError, #[case] stage: Stage) {
        assert_eq!(classify(&error, stage).class, ErrorClass::Ours);
    }
}
