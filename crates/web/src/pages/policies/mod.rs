//! Escalation policies: who is told first, and who is told when nobody takes it.

mod delete;
mod edit;
mod form;
mod list;
mod notices;

use domain::alert::Policy;
use domain::oncall::{Participant, Schedule};
use domain::words;
use jiff::SignedDuration;

use crate::people::People;
use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Tenant;
    Routes::new()
        .get("/policies", Tenant, list::show)
        .post("/policies", Tenant, edit::create)
        .get("/policies/new", Tenant, edit::new)
        .post("/policies/notices", Tenant, notices::save)
        .get("/policies/{policy_id}", Tenant, edit::show)
        .post("/policies/{policy_id}", Tenant, edit::save)
        .get("/policies/{policy_id}/delete", Tenant, delete::confirm)
        .post("/policies/{policy_id}/delete", Tenant, delete::delete)
}

/// Its steps in a line: `Kim at once, then Lee and Ops after 5 min`.
pub fn summary(policy: &Policy, people: &People, schedules: &[Schedule]) -> String {
    let steps = policy.steps.as_deref().unwrap_or_default();
    if steps.is_empty() {
        return "every confirmed contact that is told by default, at once".to_owned();
    }
    let on_call = |id| {
        let found = schedules.iter().find(|schedule| schedule.id == id);
        found.map_or_else(
            || "a schedule that is gone".to_owned(),
            |schedule| format!("whoever is on call ({})", schedule.name),
        )
    };
    let name = |who| people.name(who).to_owned();
    let parts: Vec<String> = steps
        .iter()
        .map(|step| {
            let schedules = step.schedule_ids.iter().map(|id| on_call(*id));
            let members = step
                .member_ids
                .iter()
                .map(|id| name(Participant::Member(*id)));
            let contacts = step
                .contact_ids
                .iter()
                .map(|id| name(Participant::Contact(*id)));
            let names: Vec<String> = schedules.chain(members).chain(contacts).collect();
            let when = match step.delay_seconds {
                0 => "at once".to_owned(),
                seconds => {
                    let wait = SignedDuration::from_secs(i64::from(seconds));
                    format!("after {}", words::duration(wait))
                }
            };
            format!("{} {when}", names.join(" and "))
        })
        .collect();
    parts.join(", then ")
}

#[cfg(test)]
mod tests {
    use domain::alert::policy::Step;
    use domain::ids::{AccountId, ContactId};

    use super::*;

    #[test]
    fn steps_are_read_in_a_line() {
        let said = |policy: &Policy| summary(policy, &People::default(), &[]);
        let mut policy = Policy::default_of(AccountId::generate());
        assert_eq!(
            said(&policy),
            "every confirmed contact that is told by default, at once"
        );
        let step = |delay_seconds| Step {
            delay_seconds,
            contact_ids: vec![ContactId::generate()],
            ..Step::default()
        };
        policy.steps = Some(vec![step(0), step(300)]);
        assert_eq!(
            said(&policy),
            "a contact that is gone at once, then a contact that is gone after 5 min"
        );
    }
}
