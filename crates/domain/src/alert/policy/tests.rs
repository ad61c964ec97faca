use super::*;

fn policy(steps: Option<Vec<Step>>) -> Policy {
    Policy {
        id: PolicyId::generate(),
        name: "Night".into(),
        steps,
        repeat: 0,
        reminder_seconds: None,
        version: 1,
    }
}

fn step(delay_seconds: u32, contact_ids: &[ContactId]) -> Step {
    Step {
        delay_seconds,
        contact_ids: contact_ids.to_vec(),
        ..Step::default()
    }
}

#[test]
fn what_is_wrong_is_named() {
    let (a, b) = (ContactId::generate(), ContactId::generate());
    let pointers = |policy: &Policy| -> Vec<String> {
        let errors = policy.validate();
        errors.into_iter().map(|error| error.pointer).collect()
    };
    assert!(pointers(&policy(Some(vec![step(0, &[a]), step(180, &[a, b])]))).is_empty());
    assert!(pointers(&policy(None)).is_empty());
    assert_eq!(pointers(&policy(Some(Vec::new()))), ["/steps"]);
    assert_eq!(pointers(&policy(Some(vec![step(0, &[a]); 11]))), ["/steps"]);
    let wrong = vec![step(86_401, &[a]), step(0, &[]), step(0, &[a, b, a])];
    assert_eq!(
        pointers(&policy(Some(wrong))),
        [
            "/steps/0/delay_seconds",
            "/steps/1/contact_ids",
            "/steps/2/contact_ids/2"
        ]
    );
    let mut other = policy(None);
    (other.name, other.repeat) = (String::new(), 11);
    other.reminder_seconds = Some(299);
    assert_eq!(pointers(&other), ["/name", "/repeat", "/reminder_seconds"]);
    (other.name, other.repeat, other.reminder_seconds) = ("Day".into(), 10, Some(300));
    assert!(pointers(&other).is_empty());
}

#[test]
fn a_contact_that_is_gone_leaves_its_steps() {
    let (a, b) = (ContactId::generate(), ContactId::generate());
    let account = AccountId::generate();
    let mut two = policy(Some(vec![step(0, &[a]), step(60, &[a, b])]));
    assert!(two.forget(Target::Contact(a), account));
    assert_eq!(two.steps, Some(vec![step(60, &[b])]));
    assert!(!two.forget(Target::Contact(a), account));
    assert!(two.forget(Target::Contact(b), account));
    assert_eq!(two.steps, Some(Vec::new()));
    assert_eq!(two.recipients(), Recipients::Default);
    let mut default = Policy::default_of(account);
    assert!(!default.forget(Target::Contact(a), account));
    default.steps = Some(vec![step(0, &[a])]);
    assert!(default.forget(Target::Contact(a), account));
    assert_eq!(default.steps, None);
}

#[test]
fn a_schedule_reaches_whoever_is_on_call() {
    use crate::oncall::{Layer, Participant, Schedule, ShiftUnit};
    let contact = |member_id| Contact {
        id: ContactId::generate(),
        channel: Channel::Sms,
        name: "x".into(),
        address: String::new(),
        verified_at: None,
        in_default: false,
        call_on_recovery: false,
        only_critical: false,
        quiet_hours: None,
        member_id,
        disabled_reason: None,
        created_at: Timestamp::UNIX_EPOCH,
    };
    let (kim, ana) = (UserId::generate(), UserId::generate());
    let (of_kim, of_ana, office) = (contact(Some(kim)), contact(Some(ana)), contact(None));
    let schedule = Schedule {
        members: None,
        id: ScheduleId::generate(),
        name: "Night".into(),
        timezone: "UTC".into(),
        layers: vec![Layer {
            participants: vec![Participant::Member(kim), Participant::Contact(office.id)],
            shift_unit: ShiftUnit::Day,
            shift_count: 1,
            local_start: jiff::civil::date(2026, 11, 1).at(0, 0, 0, 0),
            times: None,
        }],
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
        version: 1,
    };
    let duties = [Duty {
        schedule,
        overrides: Vec::new(),
    }];
    let step = Step {
        schedule_ids: vec![duties[0].schedule.id],
        ..Step::default()
    };
    let told = |step: &Step, at: &str| {
        let at = at.parse().unwrap();
        [&of_kim, &of_ana, &office].map(|one| step.reaches(one, &duties, at))
    };
    assert_eq!(told(&step, "2026-11-01T23:59:59Z"), [true, false, false]);
    assert_eq!(told(&step, "2026-11-02T00:00:00Z"), [false, false, true]);
    assert_eq!(told(&step, "2026-10-31T00:00:00Z"), [false; 3]);
    let some_time = [&of_kim, &of_ana, &office].map(|one| step.may_reach(one, &duties));
    assert_eq!(some_time, [true, false, true]);
    let of_members = Step {
        member_ids: vec![ana],
        ..Step::default()
    };
    assert_eq!(
        told(&of_members, "2026-11-01T00:00:00Z"),
        [false, true, false]
    );
    let mut two = policy(Some(vec![step, of_members]));
    assert!(two.names(Target::Member(ana)) && !two.names(Target::Member(kim)));
    assert!(two.validate().is_empty());
    let account = AccountId::generate();
    assert!(two.forget(Target::Member(ana), account));
    assert!(two.forget(Target::Schedule(duties[0].schedule.id), account));
    assert_eq!(two.steps, Some(Vec::new()));
}
