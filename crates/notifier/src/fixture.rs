//! Scenes for tests: what a brief is made of, with everything set.

use std::collections::BTreeMap;

use domain::check::{Attribution, Failure, FailureClass, Phase, VerdictKind};
use domain::clock::ManualClock;
use domain::contact::{Channel, Contact};
use domain::delivery::payload::{CertificateNews, RegistrationNews, StatusNotice};
use domain::delivery::{AccountMessage, DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use domain::incident::diagnosis::{EvidenceLine, NextStep, RESULT};
use domain::incident::{
    Actor, ActorKind, BlindSpan, Confidence, Diagnosis, Incident, RegionVoteLine, ResolvedReason,
    VoteSummary,
};
use domain::monitor::{Monitor, MonitorSpec};
use domain::report::{StatusInterval, Uptime, Window};
use domain::status::{RegionVote, Shown};
use domain::tls::CertificateFacts;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::deliveries::claim::{AccountFacts, Claimed, Context, IncidentFacts, Told};
use uuid::Uuid;

use crate::brief::{Brief, Links};
use crate::email::render::Words;
use crate::email::{Mail, Sender};

/// A moment of the reference's example.
pub(crate) fn at(clock: &str) -> Timestamp {
    format!("2026-11-22T{clock}Z").parse().unwrap()
}

/// One message to be rendered.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) event: Event,
    pub(crate) again: bool,
    pub(crate) first_word: bool,
    pub(crate) name: String,
    pub(crate) incident: Option<Incident>,
    pub(crate) payload: Value,
    pub(crate) now: Timestamp,
}

const ANA: ContactId = ContactId::from_uuid(Uuid::from_u128(0x11));
const PHONE: ContactId = ContactId::from_uuid(Uuid::from_u128(0x12));

impl Scene {
    fn new(event: Event, payload: Value) -> Self {
        Self {
            event,
            again: false,
            first_word: false,
            name: "Shop checkout".into(),
            incident: None,
            payload,
            now: at("13:02:18"),
        }
    }

    pub(crate) fn down() -> Self {
        Self {
            incident: Some(incident()),
            ..Self::new(Event::IncidentOpened, json!({}))
        }
    }

    pub(crate) fn down_after_blind() -> Self {
        let blind = BlindSpan {
            from: at("13:01:20"),
            to: at("13:02:05"),
        };
        let incident = incident();
        let vote = VoteSummary {
            blind: Some(blind),
            ..incident.vote.clone()
        };
        Self {
            incident: Some(Incident { vote, ..incident }),
            ..Self::down()
        }
    }

    pub(crate) fn plain_down() -> Self {
        let failure = Failure::new(
            FailureClass::ConnectTimeout,
            Phase::Connect,
            "203.0.113.7:443 did not answer within 10 s",
        )
        .with_detail("10 s");
        let incident = Incident {
            diagnosis: None,
            attribution: None,
            failure,
            last_good_at: None,
            ..incident()
        };
        Self {
            incident: Some(incident),
            ..Self::down()
        }
    }

    pub(crate) fn stand_in() -> Self {
        let payload = json!({ "fallback": { "for": "Ana's phone", "reason": "the number does not exist", "text": null, "event": "incident.opened" } });
        Self {
            payload,
            ..Self::down()
        }
    }

    pub(crate) fn hostile() -> Self {
        let mut incident = incident();
        incident.failure = Failure::new(
            FailureClass::KeywordMissing,
            Phase::Body,
            "<script>alert(1)</script>",
        )
        .with_detail("<b>\r\nBcc: x@y");
        if let Some(diagnosis) = &mut incident.diagnosis {
            diagnosis.sentence = "The page says <img src=x onerror=alert(1)> \u{202e}evil\r\nBcc: victim@shop.example".into();
            diagnosis.evidence = vec![EvidenceLine {
                label: "body".into(),
                value: "</div><script>alert(1)</script>\u{0}".into(),
            }];
        }
        Self {
            name: "<b>Shop</b>\r\nBcc: victim@shop.example \u{1f692}".into(),
            incident: Some(incident),
            ..Self::down()
        }
    }

    pub(crate) fn taken() -> Self {
        let mut incident = incident();
        incident.acknowledged_at = Some(at("13:03:40"));
        incident.acknowledged_by = Some(Actor {
            kind: ActorKind::User,
            name: "Ana".into(),
        });
        Self {
            incident: Some(incident),
            now: at("13:03:41"),
            ..Self::down()
        }
    }

    pub(crate) fn up() -> Self {
        let mut scene = Self {
            event: Event::IncidentResolved,
            now: at("13:08:30"),
            ..Self::taken()
        };
        if let Some(incident) = &mut scene.incident {
            incident.resolved_at = Some(at("13:08:23"));
            incident.resolved_reason = Some(ResolvedReason::Recovered);
        }
        scene
    }

    /// Over before it was told.
    pub(crate) fn was_down(reason: ResolvedReason) -> Self {
        let mut scene = Self {
            first_word: true,
            ..Self::up()
        };
        if let Some(incident) = &mut scene.incident {
            incident.resolved_reason = Some(reason);
        }
        scene
    }

    pub(crate) fn closed() -> Self {
        let mut scene = Self::up();
        if let Some(incident) = &mut scene.incident {
            incident.resolved_reason = Some(ResolvedReason::Paused);
        }
        scene
    }

    pub(crate) fn certificate(event: Event) -> Self {
        let not_after = match event {
            Event::TlsRenewed => "2027-02-20T12:00:00Z",
            _ => "2026-11-29T12:00:00Z",
        };
        let news = CertificateNews {
            host: "shop.example".into(),
            port: 443,
            certificate: CertificateFacts {
                subject: "shop.example".into(),
                issuer: "Let's Encrypt R11".into(),
                not_before: "2026-08-31T12:00:00Z".parse().unwrap(),
                not_after: not_after.parse().unwrap(),
                serial: "04:9c:5e:21:7f:aa:10:3b".into(),
                fingerprint: "ab".repeat(32),
                names: vec!["shop.example".into(), "www.shop.example".into()],
                key: "EC 256".into(),
            },
            not_after: not_after.parse().unwrap(),
            monitors: vec!["Shop checkout".into(), "Shop home".into()],
            next_days: vec![3, 1],
            problem: (event == Event::TlsWorse).then_some(FailureClass::TlsIncompleteChain),
        };
        Self {
            now: at("12:00:00"),
            ..Self::new(event, serde_json::to_value(news).unwrap())
        }
    }

    /// A good certificate that ends earlier than the one before.
    pub(crate) fn earlier_certificate() -> Self {
        let mut scene = Self::certificate(Event::TlsWorse);
        scene.payload["problem"] = Value::Null;
        scene
    }

    pub(crate) fn registration() -> Self {
        let news = RegistrationNews {
            name: "shop.example".into(),
            expires_at: "2026-11-29T12:00:00Z".parse().unwrap(),
            source: "rdap.nic.example".into(),
            next_days: vec![3, 1],
        };
        Self {
            now: at("12:00:00"),
            ..Self::new(Event::DomainExpiring, serde_json::to_value(news).unwrap())
        }
    }

    pub(crate) fn status(event: Event) -> Self {
        let failure = Failure::new(
            FailureClass::ConnectTimeout,
            Phase::Connect,
            "203.0.113.7:443 did not answer",
        )
        .with_detail("10 s");
        let slow = event == Event::MonitorDegraded;
        let regions = match event {
            Event::MonitorPartial => vec!["Frankfurt".to_owned()],
            _ => Vec::new(),
        };
        let notice = StatusNotice {
            regions,
            since: at("12:47:03"),
            failure: (!slow).then_some(failure),
            total_us: slow.then_some(4_321_000),
        };
        Self::new(event, serde_json::to_value(notice).unwrap())
    }

    pub(crate) fn test() -> Self {
        Self::new(Event::ContactTest, json!({}))
    }

    pub(crate) fn sender() -> Sender {
        Sender::parse(
            "Watchbell <alerts@watchbell.example>",
            &"https://watchbell.example".parse().unwrap(),
        )
        .unwrap()
    }

    pub(crate) fn mail(&self, words: Words) -> Mail {
        Mail {
            id: "del_01k9x4".into(),
            to: "ana@shop.example".into(),
            words,
            event: self.event.as_str().into(),
            incident: Some("inc_01k9x3".into()),
            reply_to: None,
            urgent: true,
        }
    }

    pub(crate) fn with_brief<T>(&self, work: impl FnOnce(&Brief<'_>) -> T) -> T {
        let contact = contact(ANA, Channel::Email, "Ana");
        let context = self.context(&contact);
        let claimed = self.claimed();
        let links = links();
        work(&Brief::new(
            &claimed,
            &context,
            &contact,
            (&links, self.first_word),
            self.now,
        ))
    }

    fn claimed(&self) -> Claimed {
        Claimed {
            account_id: AccountId::from_uuid(Uuid::nil()),
            id: DeliveryId::from_uuid(Uuid::from_u128(1)),
            event: self.event,
            channel: Channel::Email,
            incident_id: self.incident.as_ref().map(|incident| incident.id),
            monitor_id: Some(MonitorId::from_uuid(Uuid::from_u128(2))),
            contact_id: ANA,
            payload: self.payload.clone(),
            created_at: self.now,
            lease_token: Uuid::nil(),
            number: 1,
            attempts: 0,
            may_have_arrived: false,
        }
    }

    fn context(&self, contact: &Contact) -> Context {
        let told = |contact_id, name: &str, channel, state| Told {
            contact_id,
            name: name.into(),
            channel,
            state,
            accepted_at: (contact_id == ANA).then(|| at("13:02:18")),
        };
        let resolved = self.event == Event::IncidentResolved;
        Context {
            account: Some(AccountFacts {
                name: "Shop Ltd".into(),
                timezone: "Europe/Berlin".into(),
            }),
            contact: Some(contact.clone()),
            monitor: Some(monitor(&self.name)),
            incident: self.incident.clone().map(|incident| IncidentFacts {
                last_good_at: incident.last_good_at,
                resolved_confirmed_at: None,
                incident,
            }),
            outage: None,
            told: vec![
                told(ANA, "Ana", Channel::Email, DeliveryState::Sent),
                told(PHONE, "Ana's phone", Channel::Sms, DeliveryState::Pending),
            ],
            first_mail: self.again.then(DeliveryId::generate),
            regions: BTreeMap::from([("fra".to_owned(), "Frankfurt".to_owned())]),
            votes: if resolved {
                vec![recovered_vote()]
            } else {
                Vec::new()
            },
            uptime: resolved.then(month),
        }
    }
}

/// A region that looked three times until it was sure that the outage is over. Its vote keeps
/// nanoseconds; the incident's row keeps microseconds of the same moment.
fn recovered_vote() -> RegionVote {
    RegionVote {
        verdict: Some(VerdictKind::Up),
        recovered_at: Some(at("13:08:23") + SignedDuration::from_nanos(596)),
        confirmed_by: 3,
        ..RegionVote::none("fra")
    }
}

/// 30 days with the outage of the scene.
fn month() -> Uptime {
    let window = Window::last_days(at("13:08:30"), 30);
    let interval = |started_at, ended_at, status| StatusInterval {
        started_at,
        ended_at,
        status,
    };
    let (down, up) = (at("13:02:11"), at("13:08:23"));
    let statuses = [
        interval(window.from, Some(down), Shown::Up),
        interval(down, Some(up), Shown::Down),
        interval(up, None, Shown::Up),
    ];
    domain::report::uptime::over(window, &statuses, &[])
}

pub(crate) fn contact(id: ContactId, channel: Channel, name: &str) -> Contact {
    Contact {
        id,
        channel,
        name: name.into(),
        address: match channel {
            Channel::Email => "ana@shop.example".into(),
            Channel::Sms => "+4915112345678".into(),
        },
        verified_at: Some(at("10:00:00")),
        in_default: true,
        disabled_reason: None,
        created_at: at("10:00:00"),
    }
}

pub(crate) fn monitor(name: &str) -> Monitor {
    let spec: MonitorSpec = serde_json::from_value(
        json!({ "kind": "http", "name": name, "url": "https://shop.example/checkout" }),
    )
    .unwrap();
    Monitor {
        id: MonitorId::from_uuid(Uuid::from_u128(2)),
        account_id: AccountId::from_uuid(Uuid::nil()),
        spec,
        config_version: 1,
        paused_at: None,
        deleted_at: None,
        created_at: at("10:00:00"),
        updated_at: at("10:00:00"),
    }
}

pub(crate) fn links() -> Links {
    let base = "https://watchbell.example";
    Links {
        base: base.into(),
        contacts: format!("{base}/contacts"),
        stop: format!("{base}/stop/Zt3m9QkT0vX2bN8sLw5Yrg"),
        monitor: format!("{base}/m/4TZ8C1RD"),
        incident: format!("{base}/i/7KQ2M9XA"),
        acknowledge: format!("{base}/a/q8Jx1ZrT5mC7vK0dWn2HsA"),
    }
}

pub(crate) fn incident() -> Incident {
    Incident {
        id: IncidentId::from_uuid(Uuid::from_u128(3)),
        account_id: AccountId::from_uuid(Uuid::nil()),
        monitor_id: MonitorId::from_uuid(Uuid::from_u128(2)),
        short: "7KQ2M9XA".into(),
        first_failure_at: at("13:02:11"),
        confirmed_at: at("13:02:17"),
        acknowledged_at: None,
        acknowledged_by: None,
        resolved_at: None,
        resolved_reason: None,
        resolved_confirmed_at: None,
        version: 1,
        failure: Failure::new(
            FailureClass::HttpStatus,
            Phase::FirstByte,
            "HTTP 502 Bad Gateway",
        )
        .with_detail("502"),
        attribution: Some(Attribution::Origin),
        diagnosis: Some(diagnosis()),
        vote: VoteSummary {
            down: 1,
            of: 1,
            looks: 3,
            regions: vec![RegionVoteLine {
                region: "fra".into(),
                verdict: VerdictKind::Down,
                at: at("13:02:17"),
                check_id: None,
            }],
            blind: None,
        },
        last_good_at: Some(at("13:01:11")),
        test: false,
    }
}

fn diagnosis() -> Diagnosis {
    let line = |label: &str, value: &str| EvidenceLine {
        label: label.into(),
        value: value.into(),
    };
    Diagnosis {
        cause: "upstream_dead".into(),
        confidence: Confidence::Likely,
        attribution: Some(Attribution::Origin),
        sentence: "Your server answers 502; Cloudflare only passes it on. Likely the program behind your web server is not running.".into(),
        technical: "502 after 41 ms with a branded Cloudflare page.".into(),
        evidence: vec![
            line(RESULT, "HTTP 502 after 41 ms: dns 1, connect 8, TLS 21, first byte 11"),
            line("Headers", "server: cloudflare   cf-ray: 8f2a41c09b7e-FRA"),
            line("Page", "\"502 Bad gateway\""),
        ],
        next_steps: vec![
            NextStep { text: "On the server, ask the web server itself:".into(), command: Some("curl -svo /dev/null -H 'Host: shop.example' http://127.0.0.1/checkout".into()) },
            NextStep { text: "Is the program behind it running?".into(), command: Some("systemctl status php-fpm".into()) },
        ],
        rule: "branded_502".into(),
    }
}

/// One of each.
pub(crate) fn account_messages() -> Vec<AccountMessage> {
    let base = "https://watchbell.example";
    let (at, timezone) = (at("13:02:11"), "Europe/Berlin".to_owned());
    let mut all = vec![
        AccountMessage::VerifyEmail {
            code: "482913".into(),
            link: format!("{base}/verify/t0k3n"),
        },
        AccountMessage::ResetPassword {
            code: "482913".into(),
            link: format!("{base}/reset/t0k3n"),
        },
        AccountMessage::AlreadySignedUp {
            sign_in: format!("{base}/login"),
            reset: format!("{base}/forgot"),
        },
        AccountMessage::ChangeEmailOld {
            code: "482913".into(),
            link: format!("{base}/change-email/t0k3n"),
            new_address: "ana@new.example".into(),
        },
        AccountMessage::ChangeEmailNew {
            code: "482913".into(),
            link: format!("{base}/change-email/t0k3n"),
        },
        AccountMessage::NewSignIn {
            at,
            timezone: timezone.clone(),
            agent: "Firefox on Linux".into(),
            address: Some("203.0.113.9".into()),
            link: format!("{base}/settings/security"),
        },
        AccountMessage::PasswordChanged {
            at,
            timezone: timezone.clone(),
            link: format!("{base}/forgot"),
        },
        AccountMessage::EmailChanged {
            at,
            timezone: timezone.clone(),
            new_address: "ana@new.example".into(),
        },
        AccountMessage::AccountDeleted {
            at,
            timezone: timezone.clone(),
            account: "Shop Ltd".into(),
        },
        AccountMessage::ContactCode {
            code: "482913".into(),
            account: "Shop Ltd".into(),
        },
        AccountMessage::KeyCreated {
            at,
            timezone: timezone.clone(),
            name: "CI".into(),
            scope: "write".into(),
            link: format!("{base}/settings/api-keys"),
        },
        AccountMessage::PlanChanged {
            at,
            timezone,
            from: "Team".into(),
            to: "Solo".into(),
            paused: vec!["Blog".into(), "Staging".into()],
            slower: vec![],
            link: format!("{base}/settings/plan"),
        },
    ];
    all.extend(messages_about_alerts(base));
    all
}

fn messages_about_alerts(base: &str) -> Vec<AccountMessage> {
    vec![
        AccountMessage::ContactDisabled {
            contact: "Ana (ana@shop.example)".into(),
            reason: "the mailbox does not exist".into(),
            uncovered: vec!["Shop checkout".into(), "API".into()],
            link: format!("{base}/contacts"),
        },
        AccountMessage::UnsentAlert {
            contact: "Ana's phone (+49••••••••678)".into(),
            reason: "the number does not exist".into(),
            text: "DOWN Shop checkout since 14:02 UTC+1. Error 502 from your server.".into(),
            link: format!("{base}/incidents"),
        },
        AccountMessage::WalletEmpty {
            text: "DOWN Shop checkout since 14:02 UTC+1. Error 502 from your server.".into(),
            contacts: vec![
                "Ana's phone (+49••••••••678)".into(),
                "Bo's phone (+49••••••••912)".into(),
            ],
            link: format!("{base}/i/7KQ2M9XA"),
            wallet: format!("{base}/settings/wallet"),
        },
    ]
}

/// A clock at the moment of the scene.
pub(crate) fn clock() -> std::sync::Arc<ManualClock> {
    ManualClock::at(at("13:02:18"))
}
