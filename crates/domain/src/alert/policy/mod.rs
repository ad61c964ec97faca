//! Escalation policies: who is told first, and who is told when nobody takes it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::escalation::Escalation;
use super::plan::Recipients;
use crate::contact::{Channel, Contact};
use crate::ids::{AccountId, ContactId, PolicyId, ScheduleId, UserId};
use crate::monitor::validate::{FieldError, check_line};
use crate::oncall::Duty;

/// Steps of a policy, at most.
pub const MAX_STEPS: usize = 10;
/// Targets of one kind of a step, at most.
pub const MAX_CONTACTS: usize = 50;
/// Seconds before a step, at most: a day.
pub const MAX_DELAY_SECONDS: u32 = 86_400;
/// Rounds after the first, at most.
pub const MAX_REPEAT: u32 = 10;
/// Seconds between two reminders, at least.
pub const MIN_REMINDER_SECONDS: u32 = 300;
/// Seconds between two reminders, at most: a day.
pub const MAX_REMINDER_SECONDS: u32 = 86_400;
/// The name of the default policy until somebody gives it another.
pub const DEFAULT_NAME: &str = "Default policy";

/// Who is told, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// What its owner calls it.
    pub name: String,
    /// In order. `None`, for the default policy only: its built-in rule.
    pub steps: Option<Vec<Step>>,
    /// How many more rounds there are after the last step.
    pub repeat: u32,
    /// Seconds between two reminders of those who were told, while nobody has it; `None` for none.
    pub reminder_seconds: Option<u32>,
    /// Counts changes; 0 while the default policy is as we made it.
    pub version: i64,
}

/// A step of a policy. It tells its targets, each contact once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Seconds after the step before, or for the first after the outage is sure.
    pub delay_seconds: u32,
    /// Contacts that are told.
    #[serde(default)]
    pub contact_ids: Vec<ContactId>,
    /// Schedules: whoever is on call when the step is due.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schedule_ids: Vec<ScheduleId>,
    /// Members, by all contacts that are theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub member_ids: Vec<UserId>,
}

/// What a step can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A contact.
    Contact(ContactId),
    /// Whoever is on call.
    Schedule(ScheduleId),
    /// A member.
    Member(UserId),
}

impl Policy {
    /// The id of an account's default policy, which is there without a row.
    pub fn default_id(account: AccountId) -> PolicyId {
        PolicyId::from_uuid(account.uuid())
    }

    /// The default policy as we made it.
    pub fn default_of(account: AccountId) -> Self {
        Self {
            id: Self::default_id(account),
            name: DEFAULT_NAME.to_owned(),
            steps: None,
            repeat: 0,
            reminder_seconds: None,
            version: 0,
        }
    }

    /// It is the default policy of `account`.
    pub fn is_default(&self, account: AccountId) -> bool {
        self.id == Self::default_id(account)
    }

    /// Whom it means. Steps that lost their last contact mean the built-in rule.
    pub fn recipients(&self) -> Recipients {
        match self.steps.as_deref() {
            None | Some([]) => Recipients::Default,
            Some(steps) => Recipients::Steps(steps.to_vec()),
        }
    }

    /// The steps as people read them: of the built-in rule those that it means now.
    pub fn shown_steps(&self, contacts: &[Contact]) -> Vec<Step> {
        self.steps.clone().unwrap_or_else(|| {
            let told = super::plan::told(&Recipients::Default, (contacts, &[]));
            let (called, written): (Vec<&Contact>, Vec<&Contact>) = told
                .into_iter()
                .partition(|contact| contact.channel == Channel::Voice);
            let step = |delay_seconds, contacts: Vec<&Contact>| Step {
                delay_seconds,
                contact_ids: contacts.into_iter().map(|contact| contact.id).collect(),
                ..Step::default()
            };
            match (written.is_empty(), called.is_empty()) {
                (_, true) => vec![step(0, written)],
                (true, false) => vec![step(0, called)],
                (false, false) => vec![
                    step(0, written),
                    step(
                        u32::try_from(super::plan::CALL_AFTER.as_secs()).unwrap_or(0),
                        called,
                    ),
                ],
            }
        })
    }

    /// A step of it has this target.
    pub fn names(&self, target: Target) -> bool {
        let steps = self.steps.as_deref().unwrap_or_default();
        steps.iter().any(|step| step.names(target))
    }

    /// Takes a target out of every step; a step without any is gone. True when something changed.
    pub fn forget(&mut self, target: Target, account: AccountId) -> bool {
        let is_default = self.is_default(account);
        let Some(steps) = &mut self.steps else {
            return false;
        };
        let before = steps.clone();
        for step in steps.iter_mut() {
            match target {
                Target::Contact(id) => step.contact_ids.retain(|one| *one != id),
                Target::Schedule(id) => step.schedule_ids.retain(|one| *one != id),
                Target::Member(id) => step.member_ids.retain(|one| *one != id),
            }
        }
        steps.retain(|step| !step.is_empty());
        let changed = *steps != before;
        if steps.is_empty() && is_default {
            self.steps = None;
        }
        changed
    }

    /// What is wrong with it.
    pub fn validate(&self) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = check_line("/name", &self.name, 200)
            .err()
            .into_iter()
            .collect();
        if self.repeat > MAX_REPEAT {
            let message = format!("must be between 0 and {MAX_REPEAT}");
            errors.push(FieldError::new("/repeat", "out_of_range", message));
        }
        let reminders = MIN_REMINDER_SECONDS..=MAX_REMINDER_SECONDS;
        if self
            .reminder_seconds
            .is_some_and(|seconds| !reminders.contains(&seconds))
        {
            let message =
                format!("must be between {MIN_REMINDER_SECONDS} and {MAX_REMINDER_SECONDS}");
            errors.push(FieldError::new(
                "/reminder_seconds",
                "out_of_range",
                message,
            ));
        }
        let steps = self.steps.as_deref().unwrap_or_default();
        if self.steps.is_some() && !(1..=MAX_STEPS).contains(&steps.len()) {
            let message = format!("must have 1 to {MAX_STEPS} steps");
            errors.push(FieldError::new("/steps", "wrong_length", message));
        }
        for (i, step) in steps.iter().enumerate().take(MAX_STEPS) {
            errors.extend(step.validate(i));
        }
        errors
    }
}

impl Step {
    /// It tells nobody.
    pub const fn is_empty(&self) -> bool {
        self.contact_ids.is_empty() && self.schedule_ids.is_empty() && self.member_ids.is_empty()
    }

    fn names(&self, target: Target) -> bool {
        match target {
            Target::Contact(id) => self.contact_ids.contains(&id),
            Target::Schedule(id) => self.schedule_ids.contains(&id),
            Target::Member(id) => self.member_ids.contains(&id),
        }
    }

    /// It tells a contact when it is due at `at`. `duties` are the account's schedules.
    pub fn reaches(&self, contact: &Contact, duties: &[Duty], at: Timestamp) -> bool {
        self.tells(contact, duties, |duty| {
            duty.who(at).is_some_and(|who| who.is_reached_by(contact))
        })
    }

    /// It tells a contact at some time, now or later.
    pub fn may_reach(&self, contact: &Contact, duties: &[Duty]) -> bool {
        self.tells(contact, duties, |duty| {
            let layers = duty.schedule.layers.iter();
            let mut turns = layers.flat_map(|layer| layer.participants.iter().copied());
            let mut overrides = duty.overrides.iter().map(|one| one.participant);
            turns.any(|who| who.is_reached_by(contact))
                || overrides.any(|who| who.is_reached_by(contact))
        })
    }

    fn tells(&self, contact: &Contact, duties: &[Duty], of: impl Fn(&Duty) -> bool) -> bool {
        let is_theirs = |id: UserId| self.member_ids.contains(&id);
        self.contact_ids.contains(&contact.id)
            || contact.member_id.is_some_and(is_theirs)
            || duties
                .iter()
                .any(|duty| self.schedule_ids.contains(&duty.schedule.id) && of(duty))
    }

    fn validate(&self, i: usize) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.delay_seconds > MAX_DELAY_SECONDS {
            let message = format!("must be between 0 and {MAX_DELAY_SECONDS}");
            let pointer = format!("/steps/{i}/delay_seconds");
            errors.push(FieldError::new(pointer, "out_of_range", message));
        }
        if self.is_empty() {
            let message = "must have at least one contact, schedule or member";
            let pointer = format!("/steps/{i}/contact_ids");
            errors.push(FieldError::new(pointer, "wrong_length", message));
        }
        errors.extend(check_ids(
            &format!("/steps/{i}/contact_ids"),
            &self.contact_ids,
        ));
        errors.extend(check_ids(
            &format!("/steps/{i}/schedule_ids"),
            &self.schedule_ids,
        ));
        errors.extend(check_ids(
            &format!("/steps/{i}/member_ids"),
            &self.member_ids,
        ));
        errors
    }
}

fn check_ids<T: PartialEq>(at: &str, ids: &[T]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if ids.len() > MAX_CONTACTS {
        let message = format!("must have at most {MAX_CONTACTS}");
        errors.push(FieldError::new(at, "wrong_length", message));
    }
    for (j, id) in ids.iter().enumerate() {
        if ids[..j].contains(id) {
            let pointer = format!("{at}/{j}");
            errors.push(FieldError::new(pointer, "duplicate", "must be named once"));
        }
    }
    errors
}

/// Whom a monitor tells that names these contacts, or this policy, or nothing. `policies` are those of
/// its account, the default one first; one that is gone means the default one.
pub fn recipients(
    contact_ids: Option<&[ContactId]>,
    policy_id: Option<PolicyId>,
    policies: &[Policy],
) -> Recipients {
    if let Some(named) = contact_ids {
        return Recipients::Named(named.to_vec());
    }
    of(policy_id, policies).map_or(Recipients::Default, Policy::recipients)
}

fn of(policy_id: Option<PolicyId>, policies: &[Policy]) -> Option<&Policy> {
    policies
        .iter()
        .find(|policy| Some(policy.id) == policy_id)
        .or(policies.first())
}

/// The escalation that begins with an outage of such a monitor, which is sure since `now`. Contacts that
/// the monitor names itself are told once and not reminded.
pub fn escalation(
    contact_ids: Option<&[ContactId]>,
    policy_id: Option<PolicyId>,
    policies: &[Policy],
    now: Timestamp,
) -> Escalation {
    let recipients = recipients(contact_ids, policy_id, policies);
    let policy = match contact_ids {
        Some(_) => None,
        None => of(policy_id, policies),
    };
    let again = policy.map_or((0, None), |policy| (policy.repeat, policy.reminder_seconds));
    Escalation::begin(recipients, again, now)
}

#[cfg(test)]
mod tests;
