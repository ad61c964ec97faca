//! Messages about the account itself: codes, links, notices. They go to an address and not to a
//! contact, since most are sent before any contact is proven.
//!
//! To add one: a variant here, its word in [`AccountMessage::template`], a folder in
//! `templates/notify/account/` and its view in `notifier`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::tools::Tool;

/// What is said, with everything that the text needs. Links are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum AccountMessage {
    /// Proves the address of a new user: a code to type, or a page with a button.
    VerifyEmail {
        /// Six digits.
        code: String,
        /// The page with the button.
        link: String,
    },
    /// Sets a new password.
    ResetPassword {
        /// Six digits.
        code: String,
        /// The page with the form.
        link: String,
    },
    /// Someone signs up with an address that has a user already: the page must not say so, the mail may.
    AlreadySignedUp {
        /// Where to sign in.
        sign_in: String,
        /// Where to ask for a new password.
        reset: String,
    },
    /// To the old address: confirms that it is to be replaced.
    ChangeEmailOld {
        /// Six digits.
        code: String,
        /// The page with the button.
        link: String,
        /// The address that is to replace this one.
        new_address: String,
    },
    /// To the new address: proves it.
    ChangeEmailNew {
        /// Six digits.
        code: String,
        /// The page with the button.
        link: String,
    },
    /// A sign-in from a browser or network not seen before.
    NewSignIn {
        /// When.
        at: Timestamp,
        /// The zone to say it in.
        timezone: String,
        /// Browser and system, in words.
        agent: String,
        /// Network address.
        address: Option<String>,
        /// The page that lists and ends sessions.
        link: String,
    },
    /// The password was changed.
    PasswordChanged {
        /// When.
        at: Timestamp,
        /// The zone to say it in.
        timezone: String,
        /// Where to ask for a new password if it was someone else.
        link: String,
    },
    /// To the old address: the user now has another one.
    EmailChanged {
        /// When.
        at: Timestamp,
        /// The zone to say it in.
        timezone: String,
        /// The new address.
        new_address: String,
    },
    /// The account was deleted.
    AccountDeleted {
        /// When.
        at: Timestamp,
        /// The zone to say it in.
        timezone: String,
        /// Its name.
        account: String,
    },
    /// Proves a contact, by mail or text message.
    ContactCode {
        /// Six digits.
        code: String,
        /// The account that wants to alert this address.
        account: String,
    },
    /// To the owner: nothing is sent to a contact any more.
    ContactDisabled {
        /// The contact's name, with its address masked where it is a number.
        contact: String,
        /// Why, as part of a sentence.
        reason: String,
        /// Monitors that have nobody left.
        uncovered: Vec<String>,
        /// The contacts page.
        link: String,
    },
    /// To the owner, when no contact could take over: an alert that nobody got.
    UnsentAlert {
        /// The contact it was for.
        contact: String,
        /// Why it did not arrive, as part of a sentence.
        reason: String,
        /// The unsent text.
        text: String,
        /// The incident or monitor.
        link: String,
    },
    /// To the owner: text messages about one event that the wallet did not pay.
    WalletEmpty {
        /// The unsent text.
        text: String,
        /// Whom it was for, names with their masked numbers.
        contacts: Vec<String>,
        /// The incident or the list of them.
        link: String,
        /// The wallet page.
        wallet: String,
    },
    /// An API key was made.
    KeyCreated {
        /// When.
        at: Timestamp,
        /// The zone to say it in.
        timezone: String,
        /// Its name.
        name: String,
        /// `read`, `write` or `heartbeat`.
        scope: String,
        /// The page that lists and revokes keys.
        link: String,
    },
    /// To the operator: a canary that cannot exist has answered from a region.
    KnownDeadAnswering {
        /// When.
        at: Timestamp,
        /// The region's name.
        region: String,
        /// What answered.
        url: String,
    },
    /// To whoever waits for a target of the tools: to be confirmed before anything is looked at.
    WatchConfirm {
        /// Where it goes. No column has it: it stays sealed with the rest.
        to: String,
        /// What looks at it.
        tool: Tool,
        /// What is to be watched.
        target: String,
        /// Of the page that confirms and ends it.
        token: String,
    },
    /// What was watched is back.
    WatchBack {
        /// Where it goes.
        to: String,
        /// What looks at it.
        tool: Tool,
        /// What was watched.
        target: String,
        /// Since when it was watched.
        since: Timestamp,
        /// When the first good round began.
        back_since: Timestamp,
        /// What the regions saw.
        seen: String,
        /// The result that shows it.
        run: String,
        /// Of the page of the watch.
        token: String,
    },
    /// What is watched did not come back in time.
    WatchStopped {
        /// Where it goes.
        to: String,
        /// What looks at it.
        tool: Tool,
        /// What was watched.
        target: String,
        /// Since when it was watched.
        since: Timestamp,
        /// What the regions saw last, and when.
        seen: Option<(String, Timestamp)>,
        /// Of the page of the watch.
        token: String,
        /// Of the page that begins it again.
        again: String,
    },
    /// The plan changed, or will.
    PlanChanged {
        /// From when on.
        at: Timestamp,
        /// The zone to say it in.
        timezone: String,
        /// The plan before.
        from: String,
        /// The plan after.
        to: String,
        /// Monitors that are paused for it.
        paused: Vec<String>,
        /// Monitors that are looked at less often for it.
        slower: Vec<String>,
        /// The plan page.
        link: String,
    },
}

impl AccountMessage {
    /// It goes to an address that somebody typed and nobody has confirmed.
    pub const fn is_to_unconfirmed(&self) -> bool {
        matches!(
            self,
            Self::VerifyEmail { .. }
                | Self::ChangeEmailNew { .. }
                | Self::ContactCode { .. }
                | Self::WatchConfirm { .. }
        )
    }

    /// The address, where nothing but the message itself may keep it: of somebody without an account.
    pub fn sealed_address(&self) -> Option<&str> {
        match self {
            Self::WatchConfirm { to, .. }
            | Self::WatchBack { to, .. }
            | Self::WatchStopped { to, .. } => Some(to),
            _ => None,
        }
    }

    /// The name of the template, as it is stored.
    pub const fn template(&self) -> &'static str {
        match self {
            Self::VerifyEmail { .. } => "verify_email",
            Self::ResetPassword { .. } => "reset_password",
            Self::AlreadySignedUp { .. } => "already_signed_up",
            Self::ChangeEmailOld { .. } => "change_email_old",
            Self::ChangeEmailNew { .. } => "change_email_new",
            Self::NewSignIn { .. } => "new_sign_in",
            Self::PasswordChanged { .. } => "password_changed",
            Self::EmailChanged { .. } => "email_changed",
            Self::AccountDeleted { .. } => "account_deleted",
            Self::ContactCode { .. } => "contact_code",
            Self::ContactDisabled { .. } => "contact_disabled",
            Self::UnsentAlert { .. } => "unsent_alert",
            Self::WalletEmpty { .. } => "wallet_empty",
            Self::KeyCreated { .. } => "key_created",
            Self::KnownDeadAnswering { .. } => "known_dead_answering",
            Self::WatchConfirm { .. } => "watch_confirm",
            Self::WatchBack { .. } => "watch_back",
            Self::WatchStopped { .. } => "watch_stopped",
            Self::PlanChanged { .. } => "plan_changed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_carries_its_template() {
        let message = AccountMessage::ContactCode {
            code: "482913".into(),
            account: "Shop Ltd".into(),
        };
        let stored = serde_json::to_value(&message).unwrap();
        assert_eq!(stored["template"], message.template());
        assert_eq!(
            serde_json::from_value::<AccountMessage>(stored).unwrap(),
            message
        );
    }
}
