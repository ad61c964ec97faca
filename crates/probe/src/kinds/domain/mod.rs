//! `domain`: until when a domain is registered, by RDAP (RFC 9082, 9083), else by WHOIS (RFC 3912).
//!
//! Which server knows a top-level domain is IANA's list ([`bootstrap`]). A registry that is silent or
//! has nothing to say is no outage of the domain: the look is then unknown.

pub(crate) mod bootstrap;
mod rdap;
mod whois;

use ::domain::check::{Failure, FailureClass, Phase, RegistrationFacts};
use ::domain::target::Host;
use jiff::Timestamp;

use crate::look::{Look, Step, limit_text};
use crate::wire;

/// What a registry says of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// Registered until then, where that is told.
    Until(Option<Timestamp>),
    /// Nobody has registered it.
    Unknown,
}

/// Asks the registry, RDAP first.
pub(crate) async fn look(look: &mut Look<'_>, name: &str) -> Step<()> {
    let to = super::endpoint(look, name, 0)?;
    let Host::Name(name) = to.host else {
        let message = "the host is an address, which nobody registers by name";
        return Err(Failure::new(
            FailureClass::TargetRefused,
            Phase::Dns,
            message,
        ));
    };
    // The deadline is kept here: a registry that hangs, in whichever part of the exchange, says
    // nothing about the domain.
    let left = wire::time_left(look);
    let (answer, source) = match tokio::time::timeout(left, ask(look, &name)).await {
        Ok(told) => told?,
        Err(_) => {
            let limit = limit_text(look.timeout);
            let message = format!("the registry does not answer within {limit}");
            return Err(silent(look, message));
        }
    };
    // The exchange with the registry is not the domain's: only what it says is.
    look.seen.http = None;
    look.seen.tls = None;
    look.seen.redirects.clear();
    look.seen.note("Registry", &source);
    match answer {
        Answer::Until(expires_at) => {
            look.seen.registration = Some(RegistrationFacts {
                name,
                expires_at,
                source,
            });
            Ok(())
        }
        Answer::Unknown => Err(Failure::new(
            FailureClass::DomainExpired,
            Phase::FirstByte,
            format!("{name} is not registered, says {source}"),
        )),
    }
}

async fn ask(look: &mut Look<'_>, name: &str) -> Step<(Answer, String)> {
    match rdap::ask(look, name).await? {
        Some(told) => Ok(told),
        None => whois::ask(look, name).await,
    }
}

/// What went wrong on the way to a registry says nothing about the domain.
fn silent(look: &mut Look<'_>, message: String) -> Failure {
    look.seen.http = None;
    look.seen.tls = None;
    look.seen.redirects.clear();
    look.seen.our_fault = false;
    Failure::new(FailureClass::DomainUnsupported, Phase::FirstByte, message)
}

/// The name and what it is under, longest first: a registry knows the registered domain alone.
fn candidates(name: &str) -> impl Iterator<Item = &str> {
    let whole = std::iter::successors(Some(name), |name| {
        name.split_once('.').map(|(_, rest)| rest)
    });
    whole.filter(|name| name.contains('.')).take(4)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ::domain::check::Observation;
    use ::domain::monitor::Target;
    use rstest::rstest;
    use testkit::way_out::way_out;
    use testkit::{Ca, Flaw, Script, Server};

    use super::*;
    use crate::Prober;

    /// One look at a domain whose registry answers with `script`.
    async fn registered(script: Script) -> Observation {
        registered_within(Duration::from_secs(10), script).await
    }

    async fn registered_within(timeout: Duration, script: Script) -> Observation {
        let ca = Ca::default();
        let server = Server::tls(ca.server(Flaw::None), script).await;
        let prober = Prober::new(way_out(None, Some(&ca))).unwrap();
        let list = format!(
            r#"{{"services": [[["example"], ["https://localhost:{}/"]]]}}"#,
            server.port()
        );
        prober.bootstrap().replace(list.as_bytes());
        let target = Target::Domain("shop.example".to_owned());
        prober
            .look(
                &target,
                timeout,
                crate::Names::Remembered,
                Timestamp::UNIX_EPOCH,
            )
            .await
    }

    fn object(events: &str) -> Script {
        let body = format!(r#"{{"objectClassName": "domain", "events": [{events}]}}"#);
        Script::page("200 OK", "content-type: application/rdap+json\r\n", body)
    }

    #[tokio::test]
    async fn the_registry_tells_the_end() {
        let end = r#"{"eventAction": "expiration", "eventDate": "2027-08-13T04:00:00Z"}"#;
        let seen = registered(object(end)).await;
        assert_eq!(seen.failure, None, "{seen:?}");
        let facts = seen.registration.unwrap();
        assert_eq!(facts.expires_at, "2027-08-13T04:00:00Z".parse().ok());
        assert_eq!(
            (facts.name.as_str(), facts.source.as_str()),
            ("shop.example", "localhost")
        );
        assert!(
            seen.tls.is_none() && seen.http.is_none(),
            "they are the registry's"
        );
    }

    #[tokio::test]
    async fn a_registry_that_does_not_tell() {
        let seen = registered(object("")).await;
        assert_eq!(seen.failure, None);
        assert_eq!(seen.registration.unwrap().expires_at, None);
    }

    /// The registry's silence, wherever it falls, is not that of the domain.
    #[rstest]
    #[case(Script::request().hang())]
    #[case(Script::answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").hang())]
    #[tokio::test]
    async fn a_registry_that_hangs(#[case] script: Script) {
        let seen = registered_within(Duration::from_millis(700), script).await;
        let class = seen.failure.map(|failure| failure.class);
        assert_eq!(class, Some(FailureClass::DomainUnsupported));
        assert!(seen.tls.is_none() && seen.http.is_none());
    }

    #[rstest]
    #[case(Script::page("404 Not Found", "", "{}"), FailureClass::DomainExpired)]
    #[case(Script::page("200 OK", "", "<html>"), FailureClass::DomainUnsupported)]
    #[case(
        Script::page("429 Too Many Requests", "", ""),
        FailureClass::DomainUnsupported
    )]
    #[case(Script::close(), FailureClass::DomainUnsupported)]
    #[tokio::test]
    async fn other_answers(#[case] script: Script, #[case] class: FailureClass) {
        let seen = registered(script).await;
        assert_eq!(seen.failure.map(|failure| failure.class), Some(class));
    }

    #[test]
    fn a_name_is_asked_for_before_what_it_is_under() {
        let all: Vec<&str> = candidates("www.shop.co.uk").collect();
        assert_eq!(all, ["www.shop.co.uk", "shop.co.uk", "co.uk"]);
    }
}
