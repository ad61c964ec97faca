//! Mails about the account itself.

use domain::alert::sms::gsm;
use domain::delivery::AccountMessage;
use domain::words;

use super::{Footer, Frame, Say, Template, Tone, Words, mail_templates, subject_name};
use crate::error::RenderError;

/// Monitors that are named; the rest is counted.
const NAMES: usize = 20;

mail_templates! {
    VerifyEmail: "account/verify_email/subject.txt" "account/verify_email/body.txt" "account/verify_email/body.html"
    ResetPassword: "account/reset_password/subject.txt" "account/reset_password/body.txt" "account/reset_password/body.html"
    AlreadySignedUp: "account/already_signed_up/subject.txt" "account/already_signed_up/body.txt" "account/already_signed_up/body.html"
    ChangeEmailOld: "account/change_email_old/subject.txt" "account/change_email_old/body.txt" "account/change_email_old/body.html"
    ChangeEmailNew: "account/change_email_new/subject.txt" "account/change_email_new/body.txt" "account/change_email_new/body.html"
    NewSignIn: "account/new_sign_in/subject.txt" "account/new_sign_in/body.txt" "account/new_sign_in/body.html"
    PasswordChanged: "account/password_changed/subject.txt" "account/password_changed/body.txt" "account/password_changed/body.html"
    EmailChanged: "account/email_changed/subject.txt" "account/email_changed/body.txt" "account/email_changed/body.html"
    AccountDeleted: "account/account_deleted/subject.txt" "account/account_deleted/body.txt" "account/account_deleted/body.html"
    ContactCode: "account/contact_code/subject.txt" "account/contact_code/body.txt" "account/contact_code/body.html"
    ContactDisabled: "account/contact_disabled/subject.txt" "account/contact_disabled/body.txt" "account/contact_disabled/body.html"
    UnsentAlert: "account/unsent_alert/subject.txt" "account/unsent_alert/body.txt" "account/unsent_alert/body.html"
    WalletEmpty: "account/wallet_empty/subject.txt" "account/wallet_empty/body.txt" "account/wallet_empty/body.html"
    KeyCreated: "account/key_created/subject.txt" "account/key_created/body.txt" "account/key_created/body.html"
    KnownDeadAnswering: "account/known_dead_answering/subject.txt" "account/known_dead_answering/body.txt" "account/known_dead_answering/body.html"
    PlanChanged: "account/plan_changed/subject.txt" "account/plan_changed/body.txt" "account/plan_changed/body.html"
}

/// A message and where it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountBrief<'b> {
    /// What is said.
    pub(crate) message: &'b AccountMessage,
    /// The public address.
    pub(crate) base: &'b str,
    /// In what goes to an address that has not confirmed: the page that says that it was somebody else.
    pub(crate) not_me: Option<&'b str>,
}

macro_rules! views {
    ($($view:ident { $($field:ident: $kind:ty),* })*) => {$(
        struct $view { frame: Frame, $($field: $kind),* }
    )*};
}

views! {
    VerifyEmail { code: String, link: String }
    ResetPassword { code: String, link: String }
    AlreadySignedUp { sign_in: String, reset: String }
    ChangeEmailOld { code: String, link: String, new_address: Say }
    ChangeEmailNew { code: String, link: String }
    NewSignIn { at: Say, agent: Say, address: Option<Say>, link: String }
    PasswordChanged { at: Say, link: String }
    EmailChanged { at: Say, new_address: Say }
    AccountDeleted { at: Say, account: Say }
    ContactCode { code: String, account: Say }
    ContactDisabled { contact: Say, reason: Say, uncovered: Option<Say>, link: String }
    UnsentAlert { contact: Say, reason: Say, text: Say, about: Say, link: String }
    WalletEmpty { about: Say, contacts: Say, text: Say, link: String, wallet: String }
    KeyCreated { at: Say, name: Say, scope: Say, link: String }
    KnownDeadAnswering { at: Say, region: Say, url: Say }
    PlanChanged { at: Say, from: Say, to: Say, paused: Option<Say>, slower: Option<Say>, link: String }
}

impl AccountBrief<'_> {
    fn frame(&self, heading: &str, preheader: &str) -> Frame {
        self.framed(
            heading,
            preheader,
            Footer::Account {
                base: self.base.to_owned(),
            },
        )
    }

    fn proof(&self, heading: &str, preheader: &str) -> Frame {
        self.framed(
            heading,
            preheader,
            Footer::Proof {
                base: self.base.to_owned(),
                not_me: self.not_me.unwrap_or_default().to_owned(),
            },
        )
    }

    fn framed(&self, heading: &str, preheader: &str, footer: Footer) -> Frame {
        Frame {
            word: "",
            tone: Tone::Plain,
            heading: Say::new(heading),
            preheader: Say::new(preheader),
            footer,
        }
    }
}

fn moment(at: jiff::Timestamp, timezone: &str) -> Say {
    Say::new(words::moment(at, &words::zone(timezone)))
}

fn list(names: &[String]) -> Option<Say> {
    let shown = names
        .iter()
        .take(NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES) {
        _ if names.is_empty() => None,
        0 => Some(Say::new(shown)),
        more => Some(Say::new(format!("{shown} and {more} more"))),
    }
}

/// The mail that says it.
pub(crate) fn account(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    match brief.message {
        AccountMessage::VerifyEmail { .. }
        | AccountMessage::ResetPassword { .. }
        | AccountMessage::AlreadySignedUp { .. }
        | AccountMessage::ChangeEmailOld { .. }
        | AccountMessage::ChangeEmailNew { .. }
        | AccountMessage::ContactCode { .. } => proofs(brief),
        AccountMessage::NewSignIn { .. }
        | AccountMessage::PasswordChanged { .. }
        | AccountMessage::EmailChanged { .. }
        | AccountMessage::AccountDeleted { .. }
        | AccountMessage::KeyCreated { .. } => security(brief),
        AccountMessage::ContactDisabled { .. }
        | AccountMessage::UnsentAlert { .. }
        | AccountMessage::WalletEmpty { .. }
        | AccountMessage::KnownDeadAnswering { .. }
        | AccountMessage::PlanChanged { .. } => notices(brief),
        AccountMessage::WatchConfirm { .. }
        | AccountMessage::WatchBack { .. }
        | AccountMessage::WatchStopped { .. } => super::watch::mail(brief),
    }
}

fn proofs(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    match brief.message.clone() {
        AccountMessage::VerifyEmail { code, link } => VerifyEmail {
            frame: brief.proof(
                "Confirm your email address",
                "Your code, good for 10 minutes.",
            ),
            code,
            link,
        }
        .words(),
        AccountMessage::ResetPassword { code, link } => ResetPassword {
            frame: brief.frame(
                "Set a new password",
                "Good for 10 minutes. If it was not you, do nothing.",
            ),
            code,
            link,
        }
        .words(),
        AccountMessage::AlreadySignedUp { sign_in, reset } => AlreadySignedUp {
            frame: brief.frame(
                "You already have an account",
                "Sign in, or set a new password. Nothing was changed.",
            ),
            sign_in,
            reset,
        }
        .words(),
        AccountMessage::ChangeEmailOld {
            code,
            link,
            new_address,
        } => ChangeEmailOld {
            frame: brief.frame(
                "Confirm your new email address",
                "It changes when both addresses have confirmed.",
            ),
            code,
            link,
            new_address: Say::new(new_address),
        }
        .words(),
        AccountMessage::ChangeEmailNew { code, link } => ChangeEmailNew {
            frame: brief.proof(
                "Confirm this email address",
                "Your code, good for 10 minutes.",
            ),
            code,
            link,
        }
        .words(),
        AccountMessage::ContactCode { code, account } => ContactCode {
            frame: brief.proof(
                "Get alerts at this address",
                "A code that proves this address, good for 24 hours.",
            ),
            code,
            account: Say::new(account),
        }
        .words(),
        _ => Err(RenderError::Missing("a code")),
    }
}

fn security(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    match brief.message.clone() {
        AccountMessage::NewSignIn {
            at,
            timezone,
            agent,
            address,
            link,
        } => NewSignIn {
            frame: brief.frame("New sign-in", "If it was you, there is nothing to do."),
            at: moment(at, &timezone),
            agent: Say::new(agent),
            address: address.map(Say::new),
            link,
        }
        .words(),
        AccountMessage::PasswordChanged { at, timezone, link } => PasswordChanged {
            frame: brief.frame(
                "Your password was changed",
                "If it was you, there is nothing to do.",
            ),
            at: moment(at, &timezone),
            link,
        }
        .words(),
        AccountMessage::EmailChanged {
            at,
            timezone,
            new_address,
        } => EmailChanged {
            frame: brief.frame(
                "Your email address was changed",
                "Nothing is sent to this address any more.",
            ),
            at: moment(at, &timezone),
            new_address: Say::new(new_address),
        }
        .words(),
        AccountMessage::AccountDeleted {
            at,
            timezone,
            account,
        } => AccountDeleted {
            frame: brief.frame(
                "Your account was deleted",
                "Looks and alerts have stopped. Data is erased within 24 hours.",
            ),
            at: moment(at, &timezone),
            account: Say::new(account),
        }
        .words(),
        AccountMessage::KeyCreated {
            at,
            timezone,
            name,
            scope,
            link,
        } => KeyCreated {
            frame: brief.frame("New API key", "If you do not know it, revoke it."),
            at: moment(at, &timezone),
            name: Say::new(name),
            scope: Say::new(scope),
            link,
        }
        .words(),
        _ => Err(RenderError::Missing("a notice")),
    }
}

fn notices(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    match brief.message.clone() {
        AccountMessage::ContactDisabled {
            contact,
            reason,
            uncovered,
            link,
        } => ContactDisabled {
            frame: brief.frame(&format!("Alerts no longer reach {contact}"), &reason),
            contact: Say::new(contact),
            reason: Say::new(words::capitalised(&reason)),
            uncovered: list(&uncovered).map(|names| Say::new(format!("is left for {names}."))),
            link,
        }
        .words(),
        AccountMessage::UnsentAlert {
            contact,
            reason,
            text,
            link,
        } => UnsentAlert {
            frame: brief.frame("An alert reached nobody", &text),
            contact: Say::new(contact),
            reason: Say::new(words::capitalised(&reason)),
            about: subject_name(&gsm::ascii(&text)),
            text: Say::new(text),
            link,
        }
        .words(),
        AccountMessage::WalletEmpty {
            text,
            contacts,
            link,
            wallet,
        } => WalletEmpty {
            frame: brief.frame("The wallet is empty: a text was not sent", &text),
            about: subject_name(&gsm::ascii(&text)),
            contacts: list(&contacts).unwrap_or_else(|| Say::new("your phones")),
            text: Say::new(text),
            link,
            wallet,
        }
        .words(),
        AccountMessage::KnownDeadAnswering { at, region, url } => KnownDeadAnswering {
            frame: brief.frame(
                "What cannot exist has answered",
                &format!("Looks from {region} cannot be trusted until this is mended."),
            ),
            at: moment(at, "UTC"),
            region: Say::new(region),
            url: Say::new(url),
        }
        .words(),
        AccountMessage::PlanChanged {
            at,
            timezone,
            from,
            to,
            paused,
            slower,
            link,
        } => PlanChanged {
            frame: brief.frame(
                "Your plan changes",
                &format!("From {from} to {to}. Nothing is deleted."),
            ),
            at: moment(at, &timezone),
            from: Say::new(from),
            to: Say::new(to),
            paused: list(&paused),
            slower: list(&slower),
            link,
        }
        .words(),
        _ => Err(RenderError::Missing("a notice")),
    }
}
