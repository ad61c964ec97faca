//! Scenes for tests: what a brief is made of, with everything set.

mod events;
mod hooks;
mod parts;
mod storms;

use std::collections::BTreeMap;

use domain::alert::storm::may_share;
use domain::check::{Failure, FailureClass, Phase};
use domain::contact::{Channel, Contact};
use domain::delivery::payload::{CertificateNews, RegistrationNews, StatusNotice};
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, MonitorId};
use domain::incident::diagnosis::{CHANGED, EvidenceLine, NextStep as DiagnosisStep};
use domain::incident::{
    Actor, ActorKind, BlindSpan, Confidence, Diagnosis, Incident, ResolvedReason, VoteSummary,
};
use domain::tls::CertificateFacts;
use incidents::NextStep;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::deliveries::claim::{AccountFacts, Claimed, Context, IncidentFacts, Told};
use uuid::Uuid;

use crate::brief::{Brief, Links};
use crate::email::render::Words;
use crate::email::{Mail, Sender};
use crate::storm::Storm;
pub(crate) use events::events;
pub(crate) use hooks::{Answer, Read, check_answers, every_event, hook_target, shown};
pub(crate) use parts::{account_messages, clock, contact, incident, links, monitor};
use parts::{heartbeat, month, recovered_vote};

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
    /// The monitor is a heartbeat.
    pub(crate) waits: bool,
    pub(crate) incident: Option<Incident>,
    /// What depends on the monitor.
    pub(crate) dependents: Vec<String>,
    pub(crate) payload: Value,
    pub(crate) next: Option<NextStep>,
    /// It tells of these.
    pub(crate) storm: Option<Storm>,
    pub(crate) now: Timestamp,
}

const ANA: ContactId = ContactId::from_uuid(Uuid::from_u128(0x11));
const KIM: ContactId = ContactId::from_uuid(Uuid::from_u128(0x13));
const PHONE: ContactId = ContactId::from_uuid(Uuid::from_u128(0x12));

impl Scene {
    fn new(event: Event, payload: Value) -> Self {
        Self {
            event,
            again: false,
            first_word: false,
            name: "Shop checkout".into(),
            waits: false,
            incident: None,
            dependents: Vec::new(),
            payload,
            next: None,
            storm: None,
            now: at("13:02:18"),
        }
    }

    pub(crate) fn down() -> Self {
        Self {
            incident: Some(incident()),
            ..Self::new(Event::IncidentOpened, json!({}))
        }
    }

    /// Nothing is down, but everyone is told as if it were.
    pub(crate) fn drill(mut self) -> Self {
        if let Some(incident) = &mut self.incident {
            let message = "This is a fire drill: nothing is down.";
            incident.failure = Failure::new(FailureClass::ConnectTimeout, Phase::Connect, message);
            incident.attribution = None;
            incident.diagnosis = Some(Diagnosis {
                cause: "fire_drill".into(),
                confidence: Confidence::Certain,
                attribution: None,
                sentence: format!("{message} It asks who answers, and how fast."),
                technical: String::new(),
                evidence: Vec::new(),
                next_steps: Vec::new(),
                rule: "fire_drill".into(),
            });
            incident.vote = VoteSummary::default();
            incident.last_good_at = None;
            incident.test = true;
        }
        self
    }

    pub(crate) fn down_with_others_behind() -> Self {
        let names = [
            "Mail",
            "Shop checkout",
            "Shop search",
            "Stock",
            "Wiki",
            "Wiki search",
        ];
        Self {
            name: "Router Berlin".into(),
            dependents: names.map(str::to_owned).to_vec(),
            ..Self::down()
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

    pub(crate) fn down_after_deploy() -> Self {
        let mut incident = incident();
        if let Some(diagnosis) = &mut incident.diagnosis {
            diagnosis.evidence.push(EvidenceLine {
                label: CHANGED.into(),
                value: "Deploy 3f2c, 1 min 11 s before the first failing look".into(),
            });
        }
        Self {
            incident: Some(incident),
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

    /// A closer look has found another cause than the first one.
    pub(crate) fn diagnosed() -> Self {
        let mut scene = Self {
            now: at("13:02:21"),
            ..Self::new(Event::IncidentDiagnosed, json!({}))
        }
        .with_incident();
        if let Some(diagnosis) = scene
            .incident
            .as_mut()
            .and_then(|incident| incident.diagnosis.as_mut())
        {
            *diagnosis = Diagnosis {
                cause: "one_address".into(),
                confidence: Confidence::Certain,
                attribution: None,
                sentence: "One of your two servers is broken: 203.0.113.8 answers, 203.0.113.7 answers 502.".into(),
                technical: "203.0.113.7 answers 502, 203.0.113.8 answers 200 for the same request.".into(),
                evidence: vec![
                    EvidenceLine {
                        label: "203.0.113.7".into(),
                        value: "error 502 after 41 ms".into(),
                    },
                    EvidenceLine {
                        label: "203.0.113.8".into(),
                        value: "HTTP 200 after 38 ms".into(),
                    },
                ],
                next_steps: vec![DiagnosisStep {
                    text: "Take 203.0.113.7 out of the name, or repair it.".into(),
                    command: Some("dig +short shop.example".into()),
                }],
                rule: "one_address".into(),
            };
        }
        scene
    }

    /// Whether such a message is ever sent on this channel.
    pub(crate) fn goes_to(&self, channel: Channel) -> bool {
        match (self.event, &self.storm) {
            (Event::IncidentDiagnosed, _) => channel.hears_diagnosis(),
            (_, Some(_)) => may_share(channel),
            (_, None) => true,
        }
    }

    pub(crate) fn escalated() -> Self {
        let step = json!({ "step": 2, "steps": 3, "round": 1, "rounds": 1, "told": ["Kim", "Boss"], "why": "Nobody has it." });
        Self {
            next: Some(NextStep {
                at: at("13:15:18"),
                contacts: vec![
                    contact(KIM, Channel::Voice, "Kim"),
                    contact(KIM, Channel::Sms, "Duty phone"),
                ],
                step: (3, 3),
                round: (1, 1),
            }),
            now: at("13:05:18"),
            ..Self::new(Event::IncidentEscalated, step)
        }
        .with_incident()
    }

    pub(crate) fn escalated_again() -> Self {
        let step = json!({ "step": 1, "steps": 3, "round": 2, "rounds": 3, "told": ["Ana", "Ana's phone"], "why": "Nobody has it." });
        Self {
            now: at("13:20:18"),
            ..Self::new(Event::IncidentEscalated, step)
        }
        .with_incident()
    }

    pub(crate) fn reminded() -> Self {
        Self {
            now: at("13:32:18"),
            ..Self::new(Event::IncidentReminded, json!({ "number": 2 }))
        }
        .with_incident()
    }

    fn with_incident(self) -> Self {
        Self {
            again: true,
            incident: Some(incident()),
            ..self
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

    pub(crate) fn acknowledged() -> Self {
        Self {
            event: Event::IncidentAcknowledged,
            ..Self::taken()
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

    pub(crate) fn closed_by_hand() -> Self {
        Self {
            first_word: false,
            ..Self::was_down(ResolvedReason::Manual)
        }
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
        let failure = match event {
            Event::MonitorBlocked => Failure::new(
                FailureClass::BlockedByWaf,
                Phase::FirstByte,
                "HTTP 403 with a challenge page of Cloudflare",
            ),
            _ => failure,
        };
        let slow = event == Event::MonitorDegraded;
        let regions = match event {
            Event::MonitorPartial => vec!["Frankfurt".to_owned()],
            _ => Vec::new(),
        };
        let notice = StatusNotice {
            regions,
            origin: None,
            since: at("12:47:03"),
            failure: (!slow).then_some(failure),
            total_us: slow.then_some(4_321_000),
        };
        Self::new(event, serde_json::to_value(notice).unwrap())
    }

    pub(crate) fn dead_origin() -> Self {
        let failure = Failure::new(
            FailureClass::HttpStatus,
            Phase::FirstByte,
            "answered 502 over HTTP/1.1",
        );
        let notice = StatusNotice {
            regions: Vec::new(),
            since: at("12:47:03"),
            failure: Some(failure.with_detail("502")),
            total_us: None,
            origin: Some("origin.shop.example:8443".to_owned()),
        };
        Self::new(Event::MonitorPartial, serde_json::to_value(notice).unwrap())
    }

    pub(crate) fn lost_heartbeat() -> Self {
        let notice = StatusNotice {
            regions: Vec::new(),
            since: at("12:47:03"),
            failure: None,
            total_us: None,
            origin: None,
        };
        Self {
            name: "Nightly backup".into(),
            waits: true,
            ..Self::new(Event::MonitorUnknown, serde_json::to_value(notice).unwrap())
        }
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
        self.with_context(|claimed, context, contact, links| {
            let links = (links, self.first_word);
            let mut brief = Brief::new(claimed, context, contact, links, self.now);
            brief.next = self.next.clone();
            brief.storm = self.storm.clone().map(Box::new);
            work(&brief)
        })
    }

    fn with_context<T>(
        &self,
        work: impl FnOnce(&mut Claimed, &mut Context, &Contact, &Links) -> T,
    ) -> T {
        let contact = contact(ANA, Channel::Email, "Ana");
        let mut context = self.context(&contact);
        let mut claimed = self.claimed();
        work(&mut claimed, &mut context, &contact, &links())
    }

    pub(crate) fn claimed(&self) -> Claimed {
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
            placed: None,
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
            hook: None,
            snoozed_until: None,
            earlier: None,
            last_check: None,
            monitor: Some(match self.waits {
                true => heartbeat(&self.name),
                false => monitor(&self.name),
            }),
            incident: self.incident.clone().map(|incident| IncidentFacts {
                last_good_at: incident.last_good_at,
                resolved_confirmed_at: None,
                incident,
            }),
            outage: None,
            said: None,
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
            dependents: (
                self.dependents.iter().take(5).cloned().collect(),
                u32::try_from(self.dependents.len()).unwrap_or(u32::MAX),
            ),
            suppressed: (Vec::new(), 0),
            uptime: resolved.then(month),
        }
    }
}
