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
            members: None,
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
        severity: Importance::Normal,
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

#[test]
fn a_policy_that_ends_for_a_normal_monitor_is_a_hole() {
    let (mail, mut kim) = (contact("ops", Channel::Email), contact("kim", Channel::Sms));
    kim.only_critical = true;
    let contacts = [mail.clone(), kim.clone()];
    // It reaches nobody else at all.
    let nobody = "Shop tells nobody: every contact that could be told wants critical monitors only, and it is a normal one.";
    let only = policy("Night", vec![step(&[&kim])]);
    assert_eq!(
        found(std::slice::from_ref(&only), &contacts, &[], None),
        [("only_critical", nobody.to_owned())]
    );
    // It goes on for critical ones alone.
    let ends = "Night ends with kim (SMS), who wants critical monitors only: of a normal one nobody is told after step 1.";
    let two = policy("Night", vec![step(&[&mail]), step(&[&kim])]);
    assert_eq!(
        found(std::slice::from_ref(&two), &contacts, &[], None),
        [("only_critical", ends.to_owned())]
    );
    // Somebody who hears of all comes last, or the monitor is critical.
    let back = policy("Night", vec![step(&[&kim]), step(&[&mail])]);
    assert_eq!(found(&[back], &contacts, &[], None), []);
}

#[test]
fn turns_of_somebody_who_has_left_are_nobodys() {
    let phone = contact("kim", Channel::Sms);
    let (here, gone) = (UserId::generate(), UserId::generate());
    let mut duty = duty(&phone);
    duty.schedule.layers[0].times = None;
    duty.schedule.layers[0].participants =
        vec![Participant::Member(here), Participant::Member(gone)];
    duty.schedule.members = Some(vec![here]);
    let on_call = Step {
        schedule_ids: vec![duty.schedule.id],
        ..Step::default()
    };
    let night = policy("Night", vec![on_call]);
    let contacts = [Contact {
        member_id: Some(here),
        ..phone
    }];
    // Now it is the turn of whoever has left; the other one keeps hers.
    let found = found(&[night], &contacts, &[duty], None);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "nobody_on_call");
    assert!(
        found[0].1.starts_with("Nobody is on call ")
            && found[0]
                .1
                .ends_with("(Office). Somebody in it is no member any more."),
        "{found:?}"
    );
}
