//! `WATCHBELL_SMTP_URL`: which relay, and how to speak to it.

use std::fmt;

use domain::target::{AddressPolicy, Host, TargetHost};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// How the session is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayTls {
    /// From the first byte (`smtps://`).
    Implicit,
    /// By STARTTLS, and not at all without it (`smtp://`, `?tls=required`).
    StartTls,
    /// Not at all (`smtp://…?tls=none`): inside the operator's own network.
    None,
}

/// A mail relay.
#[derive(Clone)]
pub struct SmtpRelay {
    host: Host,
    port: u16,
    tls: RelayTls,
    login: Option<(String, SecretString)>,
}

impl fmt::Debug for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpRelay({}:{}, {:?})", self.host, self.port, self.tls)
    }
}

/// What is wrong with the setting. It never repeats the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's sentence says what it is")]
pub enum RelayError {
    #[error("must look like smtp://user:password@mail.example:587 or smtps://mail.example")]
    Shape,
    #[error("must begin with smtp:// or smtps://")]
    Scheme,
    #[error("has a host that cannot be read: it {0}")]
    Host(String),
    #[error("has a user without a password, or the reverse")]
    Login,
    #[error("has a user or password whose % escapes cannot be read")]
    Escapes,
    #[error("has tls={0}; it may be tls=required or tls=none, and smtps:// is always encrypted")]
    Tls(String),
    #[error("has the unknown parameter {0}; only tls is known")]
    Parameter(String),
}

impl SmtpRelay {
    /// Reads `smtp://[user:password@]host[:port][?tls=required|none]` or `smtps://…`. The ports are
    /// 587 with STARTTLS, 25 without encryption and 465 for `smtps` unless one is named.
    pub fn parse(text: &str) -> Result<Self, RelayError> {
        let url = Url::parse(text.trim()).map_err(|_| RelayError::Shape)?;
        let implicit = match url.scheme() {
            "smtps" => true,
            "smtp" => false,
            _ => return Err(RelayError::Scheme),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(RelayError::Shape);
        }
        let tls = encryption(&url, implicit)?;
        let text = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or(RelayError::Shape)?;
        let host = TargetHost::parse(text, AddressPolicy::SelfHosted)
            .map_err(|refusal| RelayError::Host(refusal.to_string()))?
            .into_host();
        let port = url.port().unwrap_or(match tls {
            RelayTls::Implicit => 465,
            RelayTls::StartTls => 587,
            RelayTls::None => 25,
        });
        Ok(Self {
            host,
            port,
            tls,
            login: login(&url)?,
        })
    }

    /// The relay's host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The relay's port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How the session is encrypted.
    pub const fn tls(&self) -> RelayTls {
        self.tls
    }

    pub(super) fn login(&self) -> Option<(&str, &str)> {
        self.login
            .as_ref()
            .map(|(user, password)| (user.as_str(), password.expose_secret()))
    }
}

fn encryption(url: &Url, implicit: bool) -> Result<RelayTls, RelayError> {
    let mut tls = if implicit {
        RelayTls::Implicit
    } else {
        RelayTls::StartTls
    };
    for (name, value) in url.query_pairs() {
        if name != "tls" {
            return Err(RelayError::Parameter(name.into_owned()));
        }
        tls = match (value.as_ref(), implicit) {
            ("required", true) => RelayTls::Implicit,
            ("required", false) => RelayTls::StartTls,
            ("none", false) => RelayTls::None,
            _ => return Err(RelayError::Tls(value.into_owned())),
        };
    }
    Ok(tls)
}

fn login(url: &Url) -> Result<Option<(String, SecretString)>, RelayError> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(RelayError::Login),
        (user, Some(password)) => {
            let decode =
                |text| domain::target::decode_userinfo(text).map_err(|_| RelayError::Escapes);
            Ok(Some((decode(user)?, decode(password)?.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("smtp://mail.example", "mail.example", 587, RelayTls::StartTls, None)]
    #[case("smtp://u:p@mail.example:2525?tls=required", "mail.example", 2525, RelayTls::StartTls, Some(("u", "p")))]
    #[case("smtp://mail?tls=none", "mail", 25, RelayTls::None, None)]
    #[case(
        "smtp://127.0.0.1:1025/?tls=none",
        "127.0.0.1",
        1025,
        RelayTls::None,
        None
    )]
    #[case("smtp://[::1]:1025?tls=none", "::1", 1025, RelayTls::None, None)]
    #[case("smtps://a%40b.example:p%3Aw%2F@mail.example", "mail.example", 465, RelayTls::Implicit, Some(("a@b.example", "p:w/")))]
    #[case(
        "smtps://mail.example:994?tls=required",
        "mail.example",
        994,
        RelayTls::Implicit,
        None
    )]
    fn good(
        #[case] text: &str,
        #[case] host: &str,
        #[case] port: u16,
        #[case] tls: RelayTls,
        #[case] login: Option<(&str, &str)>,
    ) {
        let relay = SmtpRelay::parse(text).unwrap();
        assert_eq!(
            (relay.host().to_string().as_str(), relay.port(), relay.tls()),
            (host, port, tls)
        );
        assert_eq!(relay.login(), login);
        assert!(!format!("{relay:?}").contains("p:w"));
    }

    #[rstest]
    #[case("mail.example:587", RelayError::Scheme)]
    #[case("", RelayError::Shape)]
    #[case("http://mail.example", RelayError::Scheme)]
    #[case("smtp://", RelayError::Shape)]
    #[case("smtp://mail.example/inbox", RelayError::Shape)]
    #[case("smtp://u@mail.example", RelayError::Login)]
    #[case("smtp://:p@mail.example", RelayError::Login)]
    #[case("smtp://mail.example?tls=maybe", RelayError::Tls("maybe".to_owned()))]
    #[case("smtps://mail.example?tls=none", RelayError::Tls("none".to_owned()))]
    #[case("smtp://mail.example?timeout=3", RelayError::Parameter("timeout".to_owned()))]
    #[case("smtp://127.1", RelayError::Host("must not have a host that ends in a number, unless it is four plain numbers such as 203.0.113.7".to_owned()))]
    fn bad(#[case] text: &str, #[case] error: RelayError) {
        assert_eq!(SmtpRelay::parse(text).unwrap_err(), error);
    }
}
