//! What is asked of the parts of any service.

use super::ServiceError;
use crate::target::{AddressPolicy, TargetUrl};

pub(super) struct Check {
    pub(super) policy: AddressPolicy,
    pub(super) errors: Vec<ServiceError>,
}

impl Check {
    pub(super) fn that(&mut self, field: &'static str, holds: bool, why: &str) {
        if !holds {
            let message = why.to_owned();
            self.errors.push(ServiceError { field, message });
        }
    }

    pub(super) fn server(&mut self, field: &'static str, url: &str) {
        match TargetUrl::parse(url, self.policy) {
            Err(refusal) => self.that(field, false, &refusal.to_string()),
            Ok(target) => {
                let is_open = !target.is_https() && self.policy == AddressPolicy::Hosted;
                self.that(
                    field,
                    !is_open,
                    "must begin with https://, since the messages are not for everyone to read",
                );
                let is_bare = target.url().query().is_none() && target.credentials().is_none();
                self.that(
                    field,
                    is_bare,
                    "is only the address of the server, such as https://push.example.com",
                );
            }
        }
    }

    /// Another server in the place of the service's own, where users may name any.
    pub(super) fn own_server(&mut self, url: Option<&str>) {
        match url {
            None => {}
            Some(_) if self.policy == AddressPolicy::Hosted => {
                self.that(
                    "server",
                    false,
                    "can be named only on a Watchbell that you host yourself",
                );
            }
            Some(url) => self.server("server", url),
        }
    }

    pub(super) fn token(&mut self, field: &'static str, token: &str) {
        let is_token = (8..=1_024).contains(&token.len()) && is_visible(token);
        self.that(
            field,
            is_token,
            "is not a token: 8 to 1,024 characters without blanks",
        );
    }
}

pub(super) fn authority(url: &str) -> String {
    let target = TargetUrl::parse(url, AddressPolicy::SelfHosted);
    target.map_or_else(|_| "…".to_owned(), |target| target.authority().to_owned())
}

/// The last characters of what is long enough to keep the others to itself.
pub(super) fn end(secret: &str) -> &str {
    match secret.len() {
        12.. if secret.is_ascii() => &secret[secret.len() - 4..],
        _ => "",
    }
}

pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn is_word(text: &str, besides: &str) -> bool {
    text.chars()
        .all(|c| c.is_ascii_alphanumeric() || besides.contains(c))
}

pub(super) fn is_visible(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_graphic())
}
