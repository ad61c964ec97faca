//! The standing check of an account: what would keep an alert from arriving, said before there is one.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::plan::Recipients;
use super::policy::{Policy, Step, recipients};
use crate::contact::{Channel, Contact};
use crate::ids::{AccountId, ContactId, MonitorId, PolicyId};
use crate::oncall::{self, Duty, Span};
use crate::words;

/// Gaps of schedules are looked for so far ahead.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 14);
/// Monitors that tell nobody are named up to this many, then counted.
const NAMED: usize = 3;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// An alert reaches nobody.
    Problem,
    /// An alert may come late or be overlooked.
    Advice,
}

impl Severity {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Advice => "advice",
        }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind it is; never changes its meaning.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One or two sentences.
    pub text: String,
    /// The page on which it is put right, from the root.
    pub link: String,
}

/// A monitor and whom it names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the monitor")]
pub struct Watched {
    pub id: MonitorId,
    pub name: String,
    pub contact_ids: Option<Vec<ContactId>>,
    pub policy_id: Option<PolicyId>,
}

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Standing<'s> {
    /// The account.
    pub account: AccountId,
    /// Its policies, the default one first.
    pub policies: &'s [Policy],
    /// Its contacts.
    pub contacts: &'s [Contact],
    /// Its schedules, with overrides that are not over.
    pub duties: &'s [Duty],
    /// Its monitors.
    pub monitors: &'s [Watched],
    /// What is left in the wallet; `None` where messages cost nothing.
    pub balance_micros: Option<i64>,
    /// The zone in which its times are written.
    pub zone: &'s TimeZone,
    /// The present moment.
    pub now: Timestamp,
}

impl Standing<'_> {
    /// Everything that is not as it should be, the worst first.
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        found.extend(self.monitors_that_tell_nobody());
        for policy in self.policies.iter().filter(|policy| self.is_used(policy)) {
            found.extend(self.check_policy(policy));
        }
        for duty in self.duties {
            found.extend(self.check_schedule(duty));
        }
        found.sort_by_key(|finding| finding.severity);
        found
    }

    /// Some monitor goes by it.
    fn is_used(&self, policy: &Policy) -> bool {
        self.monitors.iter().any(|monitor| {
            monitor.contact_ids.is_none()
                && self.policy_of(monitor).map(|of| of.id) == Some(policy.id)
        })
    }

    fn policy_of(&self, monitor: &Watched) -> Option<&Policy> {
        let named = |policy: &&Policy| Some(policy.id) == monitor.policy_id;
        self.policies.iter().find(named).or(self.policies.first())
    }

    fn monitors_that_tell_nobody(&self) -> Option<Finding> {
        let silent: Vec<&Watched> = self
            .monitors
            .iter()
            .filter(|one| {
                let told = recipients(one.contact_ids.as_deref(), one.policy_id, self.policies);
                self.reached(&told).is_empty()
            })
            .collect();
        let first = silent.first()?;
        let names: Vec<&str> = silent
            .iter()
            .take(NAMED)
            .map(|one| one.name.as_str())
            .collect();
        let more = silent.len().saturating_sub(NAMED);
        let (names, verb) = match (names.as_slice(), more) {
            ([one], _) => ((*one).to_owned(), "tells"),
            (_, 0) => (names.join(", "), "tell"),
            (_, more) => (format!("{} and {more} more", names.join(", ")), "tell"),
        };
        Some(Finding {
            code: "tells_nobody",
            severity: Severity::Problem,
            text: format!("{names} {verb} nobody: no contact that is named can be told."),
            link: format!("/monitors/{}", first.id),
        })
    }

    /// Usable contacts that are told at some time.
    fn reached(&self, told: &Recipients) -> Vec<&Contact> {
        let usable = self.contacts.iter().filter(|one| one.is_usable());
        usable
            .filter(|contact| match told {
                Recipients::Default => contact.in_default,
                Recipients::Named(ids) => ids.contains(&contact.id),
                Recipients::Steps(steps) => steps
                    .iter()
                    .any(|step| step.may_reach(contact, self.duties)),
            })
            .collect()
    }

    fn check_policy(&self, policy: &Policy) -> Vec<Finding> {
        let mut found = Vec::new();
        let told = policy.recipients();
        let reached = self.reached(&told);
        let link = format!("/policies/{}", policy.id);
        let finding = |code, severity, text| Finding {
            code,
            severity,
            text,
            link: link.clone(),
        };
        if let Recipients::Steps(steps) = &told {
            found.extend(
                steps
                    .iter()
                    .enumerate()
                    .filter_map(|(i, step)| self.dead_end(policy, (i, step), steps.len()))
                    .map(|text| finding("unusable_contact", Severity::Problem, text)),
            );
        }
        if !reached.is_empty() && reached.iter().all(|one| one.channel == Channel::Email) {
            let text = format!("{} has only mail: nobody is woken by it.", policy.name);
            found.push(finding("only_mail", Severity::Advice, text));
        }
        let paid = reached.iter().find(|one| one.channel.is_phone());
        if let Some(contact) = paid
            && self.balance_micros.is_some_and(|micros| micros <= 0)
        {
            let way = contact.channel.plural();
            let text = format!(
                "{} tells by {way}, and the wallet is empty: a mail comes instead.",
                policy.name
            );
            found.push(Finding {
                link: "/settings/wallet".to_owned(),
                ..finding("wallet_empty", Severity::Problem, text)
            });
        }
        found
    }

    /// A step of which nobody can be told, because of contacts that are not confirmed or are stopped.
    fn dead_end(&self, policy: &Policy, (i, step): (usize, &Step), steps: usize) -> Option<String> {
        let of_step = |one: &&Contact| step.may_reach(one, self.duties);
        let all: Vec<&Contact> = self.contacts.iter().filter(of_step).collect();
        if all.iter().any(|one| one.is_usable()) {
            return None;
        }
        let place = if i + 1 == steps {
            format!("{} ends with", policy.name)
        } else {
            format!("Step {} of {} is", i + 1, policy.name)
        };
        Some(match all.first() {
            None => format!("{place} somebody who has no contact."),
            Some(one) => {
                let why = if one.verified_at.is_none() {
                    "which is not confirmed yet"
                } else {
                    "to which nothing is sent any more"
                };
                format!("{place} {} ({}), {why}.", one.name, one.channel.name())
            }
        })
    }

    /// When nobody is on call, in a schedule that a policy in use goes by.
    fn check_schedule(&self, duty: &Duty) -> Option<Finding> {
        let id = duty.schedule.id;
        let mut used = self.policies.iter().filter(|policy| self.is_used(policy));
        if !used.any(|policy| policy.names(super::policy::Target::Schedule(id))) {
            return None;
        }
        let to = self.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
        let shifts = oncall::shifts(&duty.schedule, &duty.overrides, self.now, to);
        let gaps = oncall::gaps(&shifts, self.now, to);
        let first = *gaps.first()?;
        let more = match gaps.len() - 1 {
            0 => String::new(),
            1 => ", and once more in the coming two weeks".to_owned(),
            more => format!(", and {more} more times in the coming two weeks"),
        };
        let when = self.when(first, to);
        Some(Finding {
            code: "nobody_on_call",
            severity: Severity::Problem,
            text: format!("Nobody is on call {when}{more} ({}).", duty.schedule.name),
            link: format!("/schedules/{id}"),
        })
    }

    fn when(&self, gap: Span, end: Timestamp) -> String {
        let minute = |at: Timestamp| {
            let local = at.to_zoned(self.zone.clone());
            let clock = local.strftime("%H:%M");
            format!(
                "{}, {clock} {}",
                words::day(at, self.zone),
                words::offset(at, self.zone)
            )
        };
        match (gap.from <= self.now, gap.to >= end) {
            (true, true) => "now and in the coming two weeks".to_owned(),
            (true, false) => format!("now, until {}", minute(gap.to)),
            (false, true) => format!("from {} on", minute(gap.from)),
            (false, false) => format!("from {} to {}", minute(gap.from), minute(gap.to)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ScheduleId, UserId};
    use crate::oncall::{Day, Layer, Participant, Schedule, ShiftUnit, Times};

    fn now() -> Timestamp {
        "2026-11-27T13:00:00Z".parse().unwrap()
    }

    fn contact(name: &str, channel: Channel) -> Contact {
        Contact {
            id: ContactId::generate(),
            channel,
            name: name.into(),
            address: name.into(),
            verified_at: Some(now()),
            in_default: false,
            call_on_recovery: false,
            only_critical: false,
            quiet_hours: None,
            member_id: None,
            disabled_reason: None,
            created_at: now(),
        }
    }

    fn policy(name: &str, steps: Vec<Step>) -> Policy {
        Policy {
            id: PolicyId::generate(),
            name: name.into(),
            steps: Some(steps),
            ..Policy::default_of(AccountId::generate())
        }
    }

    fn step(contacts: &[&Contact]) -> Step {
        Step {
            contact_ids: contacts.iter().map(|one| one.id).collect(),
            ..Step::default()
        }
    }

    /// Every day but Sunday, by one contact.
    fn duty(of: &Contact) -> Duty {
        let days = Day::ALL.into_iter().filter(|day| *day != Day::Su);
        let midnight = jiff::civil::Time::midnight();
        let layer = Layer {
            participants: vec![Participant::Contact(of.id)],
            shift_unit: ShiftUnit::Week,
            shift_count: 1,
            local_start: jiff::civil::date(2026, 11, 2).at(0, 0, 0, 0),
            times: Some(vec![Times {
                days: days.collect(),
                from: midnight,
                to: midnight,
            }]),
        };
        Duty {
            schedule: Schedule {
                id: ScheduleId::generate(),
                name: "Office".into(),
                timezone: "Europe/Berlin".into(),
                layers: vec![layer],
                created_at: now(),
                updated_at: now(),
                version: 1,
            },
            overrides: Vec::new(),
        }
    }

    /// The findings of an account whose only monitor goes by the first policy.
    fn found(
        policies: &[Policy],
        contacts: &[Contact],
        duties: &[Duty],
        balance_micros: Option<i64>,
    ) -> Vec<(&'static str, String)> {
        let zone = words::zone("Europe/Berlin");
        let monitors = [Watched {
            id: MonitorId::generate(),
            name: "Shop".into(),
            contact_ids: None,
            policy_id: None,
        }];
        let standing = Standing {
            account: AccountId::generate(),
            policies,
            contacts,
            duties,
            monitors: &monitors,
            balance_micros,
            zone: &zone,
            now: now(),
        };
        let findings = standing.check().into_iter();
        findings.map(|one| (one.code, one.text)).collect()
    }

    #[test]
    fn nothing_is_said_where_all_is_well() {
        let (mail, sms) = (contact("ops", Channel::Email), contact("kim", Channel::Sms));
        let night = policy("Night", vec![step(&[&mail]), step(&[&sms])]);
        // A policy that no monitor goes by may be as it likes.
        let other = policy("Other", vec![step(&[])]);
        let contacts = [mail, sms];
        assert_eq!(found(&[night.clone(), other], &contacts, &[], Some(1)), []);
        assert_eq!(found(&[night], &contacts, &[], None), []);
    }

    #[test]
    fn what_keeps_an_alert_from_arriving_is_said() {
        let (mail, mut sms) = (contact("ops", Channel::Email), contact("kim", Channel::Sms));
        let night = policy("Night", vec![step(&[&mail]), step(&[&sms])]);
        let empty = "Night tells by text messages, and the wallet is empty: a mail comes instead.";
        let contacts = [mail.clone(), sms.clone()];
        assert_eq!(
            found(std::slice::from_ref(&night), &contacts, &[], Some(0)),
            [("wallet_empty", empty.to_owned())]
        );
        sms.verified_at = None;
        let ends = "Night ends with kim (SMS), which is not confirmed yet.";
        let only = "Night has only mail: nobody is woken by it.";
        let unverified = [mail.clone(), sms.clone()];
        assert_eq!(
            found(std::slice::from_ref(&night), &unverified, &[], Some(0)),
            [
                ("unusable_contact", ends.to_owned()),
                ("only_mail", only.to_owned())
            ]
        );
        let nobody = "Shop tells nobody: no contact that is named can be told.";
        let gone = found(&[policy("Night", vec![step(&[&sms])])], &[sms], &[], None);
        assert_eq!(gone[0], ("tells_nobody", nobody.to_owned()));
        assert_eq!(found(&[], &[mail], &[], None).len(), 1);
        let of_nobody = Step {
            member_ids: vec![UserId::generate()],
            ..Step::default()
        };
        let gone = found(&[policy("Night", vec![of_nobody])], &[], &[], None);
        assert_eq!(gone[1].1, "Night ends with somebody who has no contact.");
    }

    #[test]
    fn a_gap_of_a_schedule_that_is_used_is_said() {
        let phone = contact("kim", Channel::Sms);
        let duty = duty(&phone);
        let on_call = Step {
            schedule_ids: vec![duty.schedule.id],
            ..Step::default()
        };
        let (night, other) = (
            policy("Night", vec![on_call]),
            policy("Other", vec![step(&[&phone])]),
        );
        let said = "Nobody is on call from Sun 29 Nov 2026, 00:00 UTC+1 to Mon 30 Nov 2026, 00:00 UTC+1, \
                    and once more in the coming two weeks (Office).";
        let (contacts, duties) = ([phone], [duty]);
        assert_eq!(
            found(std::slice::from_ref(&night), &contacts, &duties, None),
            [("nobody_on_call", said.to_owned())]
        );
        assert_eq!(found(&[other, night], &contacts, &duties, None), []);
    }
}
