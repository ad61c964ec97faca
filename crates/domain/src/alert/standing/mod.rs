//! The standing check of an account: what would keep an alert from arriving, said before there is one.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::plan::Recipients;
use super::policy::{Policy, Step, recipients};
use crate::contact::{Channel, Contact};
use crate::ids::{AccountId, ContactId, MonitorId, PolicyId};
use crate::incident::Severity as Importance;
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
    pub severity: Importance,
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

    /// Some monitor goes by it that is not critical.
    fn is_used_by_a_normal_one(&self, policy: &Policy) -> bool {
        self.monitors.iter().any(|monitor| {
            monitor.severity == Importance::Normal
                && monitor.contact_ids.is_none()
                && self.policy_of(monitor).map(|of| of.id) == Some(policy.id)
        })
    }

    fn monitors_that_tell_nobody(&self) -> Vec<Finding> {
        let (mut silent, mut minor) = (Vec::new(), Vec::new());
        for one in self.monitors {
            let told = recipients(one.contact_ids.as_deref(), one.policy_id, self.policies);
            let reached = self.reached(&told);
            if reached.is_empty() {
                silent.push(one);
            } else if !reached.iter().any(|contact| contact.wants(one.severity)) {
                minor.push(one);
            }
        }
        let silent = named(&silent, "tells_nobody", |is_one| match is_one {
            true => " tells nobody: no contact that is named can be told.",
            false => " tell nobody: no contact that is named can be told.",
        });
        let minor = named(&minor, "only_critical", |is_one| match is_one {
            true => {
                " tells nobody: every contact that could be told wants critical monitors only, and it is a normal one."
            }
            false => {
                " tell nobody: every contact that could be told wants critical monitors only, and they are normal ones."
            }
        });
        silent.into_iter().chain(minor).collect()
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
        if let Recipients::Steps(steps) = &told
            && let Some(text) = self.minor_end(policy, steps)
        {
            found.push(finding("only_critical", Severity::Advice, text));
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

    /// Of a normal monitor nobody is told any more from some step on, because whoever could be wants critical ones
    /// only. That nobody is told at all is said of the monitor.
    fn minor_end(&self, policy: &Policy, steps: &[Step]) -> Option<String> {
        if !self.is_used_by_a_normal_one(policy) {
            return None;
        }
        let usable = |step: &Step| -> Vec<&Contact> {
            let usable = self.contacts.iter().filter(|one| one.is_usable());
            usable
                .filter(|one| step.may_reach(one, self.duties))
                .collect()
        };
        let hears = |step: &Step| usable(step).iter().any(|one| one.wants(Importance::Normal));
        let last = steps.iter().rposition(hears)?;
        let after = steps.get(last + 1..)?;
        let first = after.iter().flat_map(usable).next()?;
        Some(format!(
            "{} ends with {} ({}), who wants critical monitors only: of a normal one nobody is told after step {}.",
            policy.name,
            first.name,
            first.channel.name(),
            last + 1
        ))
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
            text: format!(
                "Nobody is on call {when}{more} ({}).{}",
                duty.schedule.name,
                match duty.schedule.has_lost_somebody() {
                    true => " Somebody in it is no member any more.",
                    false => "",
                }
            ),
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

/// The first of some monitors by their names, and what is to be said of them.
fn named(
    monitors: &[&Watched],
    code: &'static str,
    says: impl FnOnce(bool) -> &'static str,
) -> Option<Finding> {
    let first = monitors.first()?;
    let names: Vec<&str> = monitors.iter().map(|one| one.name.as_str()).collect();
    let names = match monitors.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names[..NAMED].join(", ")),
    };
    Some(Finding {
        code,
        severity: Severity::Problem,
        text: format!("{names}{}", says(monitors.len() == 1)),
        link: format!("/monitors/{}", first.id),
    })
}

#[cfg(test)]
mod tests;
