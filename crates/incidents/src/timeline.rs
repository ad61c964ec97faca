//! The sentences of an incident's timeline.

use domain::check::{Attribution, Failure, FailureClass};
use domain::ids::{AccountId, EventId, IncidentId};
use domain::incident::{Actor, BlindSpan, ResolvedReason, TimelineEntry, VoteSummary};
use domain::status::flapping;
use domain::words;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::incidents::events;

use crate::Result;
use crate::escalation::Begun;
use crate::opening::Held;

/// Changes of cause that are written down; a site that alternates would fill pages.
pub(crate) const MOST_CAUSE_CHANGES: i64 = 50;
/// The same of notes.
pub(crate) const MOST_NOTES: i64 = 100;

/// Adds an entry.
pub(crate) async fn add(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    (kind, text): (&str, String),
    (actor, at): (&Actor, Timestamp),
) -> Result<()> {
    let entry = TimelineEntry {
        id: EventId::generate(),
        at,
        kind: kind.to_owned(),
        text,
        actor: actor.clone(),
    };
    events::insert(connection, account, incident, &entry).await?;
    Ok(())
}

/// The first failing look, or what a job said or did not say.
pub(crate) fn first_failure(failure: &Failure, attribution: Option<Attribution>) -> String {
    if is_heartbeat(failure) {
        return format!("{}.", words::cause_sentence_case(failure, attribution));
    }
    format!(
        "First failing look: {}.",
        words::cause(failure, attribution)
    )
}

/// What nobody saw.
pub(crate) fn blind(span: BlindSpan) -> String {
    format!(
        "For {} before that we could not look, through a fault of our own: it may have broken in that time.",
        words::duration(span.to.duration_since(span.from))
    )
}

const fn is_heartbeat(failure: &Failure) -> bool {
    matches!(
        failure.class,
        FailureClass::HeartbeatMissed | FailureClass::HeartbeatFailed
    )
}

/// The failure is sure.
pub(crate) fn confirmed(failure: &Failure, vote: &VoteSummary) -> String {
    match failure.class {
        FailureClass::HeartbeatMissed => return "Sure: the grace is over.".to_owned(),
        FailureClass::HeartbeatFailed => return "Sure: the job itself said so.".to_owned(),
        _ => {}
    }
    let looks = match vote.looks {
        0 | 1 => "One look failed".to_owned(),
        n => format!("{n} of {n} looks failed"),
    };
    let regions: Vec<&str> = vote
        .regions
        .iter()
        .map(|line| line.region.as_str())
        .collect();
    match (vote.of, regions.as_slice()) {
        (0 | 1, [only]) => format!("Sure: {looks}, from {only} alone."),
        (of, _) => format!("Sure: {looks}, {} of {of} regions say down.", vote.down),
    }
}

/// It fails for another reason now.
pub(crate) fn cause_changed(failure: &Failure, attribution: Option<Attribution>) -> String {
    format!(
        "Still down, the cause has changed: {}.",
        words::cause(failure, attribution)
    )
}

/// It works, and is not believed to go on so.
pub(crate) fn flapping(outages: usize) -> String {
    format!(
        "Works again, but it was down {outages} times within {}: this incident stays open until it has not been down for {}.",
        words::duration(flapping::WITHIN),
        words::duration(flapping::STEADY)
    )
}

/// What it did.
pub(crate) fn down_again() -> String {
    "Down again. It flaps, so that nobody is told anew.".to_owned()
}

/// Why nobody heard of it earlier.
pub(crate) fn was_held(held: &Held) -> String {
    match held {
        Held::Maintenance => {
            "It broke in maintenance and was still down after its end: until then nobody was told."
                .to_owned()
        }
        Held::Behind(parent) => format!(
            "It broke behind {parent} and was still down when that was not: until then nobody was told of it apart."
        ),
    }
}

/// What is down behind it.
pub(crate) fn behind_it(names: &[&str], all: u32) -> String {
    format!(
        "Behind it: {}. Nobody is told of these apart.",
        words::some_of(names, all)
    )
}

/// Who is told, or that nobody is.
pub(crate) fn told(begun: Begun) -> String {
    match begun {
        Begun {
            told: 0,
            goes_on: true,
            ..
        } => "Nobody is told yet: the first step of the policy comes later.".to_owned(),
        Begun {
            told: 0,
            is_minor: true,
            ..
        } => "Nobody is told: every contact that could be wants critical monitors only, and this is a normal one.".to_owned(),
        Begun { told: 0, .. } => "Nobody is told: no proven contact.".to_owned(),
        Begun { told: 1, .. } => "One contact is told.".to_owned(),
        Begun { told, .. } => format!("{told} contacts are told."),
    }
}

/// A step of the policy.
pub(crate) fn step_told(why: &str, names: &[String]) -> String {
    match names {
        [] => format!("{why} Nobody is left to tell."),
        names => format!("{why} Told next: {}.", names.join(", ")),
    }
}

/// Those who were passed over.
pub(crate) fn passed_over(names: &[String]) -> String {
    let are = if names.len() == 1 { "is" } else { "are" };
    let names = names.join(", ");
    format!(
        "{names} {are} in quiet hours, and will be told at the end of them if it is still open and nobody has it."
    )
}

/// A reminder.
pub(crate) fn reminded(count: usize) -> String {
    match count {
        1 => "Nobody has it. One contact is reminded.".to_owned(),
        n => format!("Nobody has it. {n} contacts are reminded."),
    }
}

/// The end.
pub(crate) fn resolved(reason: ResolvedReason, lasted: SignedDuration) -> String {
    let lasted = words::duration(lasted);
    match reason {
        ResolvedReason::Recovered => format!("Works again after {lasted}."),
        ResolvedReason::Manual => format!("Marked as over after {lasted}."),
        ResolvedReason::Paused => format!("The monitor was paused after {lasted}."),
        ResolvedReason::Deleted => format!("The monitor was deleted after {lasted}."),
        ResolvedReason::Edited => format!("The address was changed after {lasted}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::check::{Phase, VerdictKind};
    use domain::incident::RegionVoteLine;

    const fn begun(told: usize) -> Begun {
        Begun {
            told,
            goes_on: false,
            is_minor: false,
        }
    }

    #[test]
    fn sentences_say_what_happened() {
        let failure =
            Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "").with_detail("502");
        let line = RegionVoteLine {
            region: "local".into(),
            verdict: VerdictKind::Down,
            at: Timestamp::UNIX_EPOCH,
            check_id: None,
        };
        let alone = VoteSummary {
            down: 1,
            of: 1,
            looks: 3,
            regions: vec![line.clone()],
            blind: None,
        };
        let three = VoteSummary {
            down: 2,
            of: 3,
            looks: 6,
            regions: vec![line.clone(), line.clone(), line],
            blind: None,
        };
        let missed =
            Failure::new(FailureClass::HeartbeatMissed, Phase::FirstByte, "").with_detail("13:55");
        let lasted = SignedDuration::from_secs(372);
        let said = [
            first_failure(&failure, Some(Attribution::Origin)),
            confirmed(&failure, &alone),
            confirmed(&failure, &three),
            first_failure(&missed, None),
            confirmed(&missed, &VoteSummary::default()),
            cause_changed(&failure, None),
            blind(BlindSpan {
                from: Timestamp::UNIX_EPOCH,
                to: Timestamp::UNIX_EPOCH + lasted,
            }),
            flapping(4),
            down_again(),
            told(begun(0)),
            told(begun(2)),
            resolved(ResolvedReason::Recovered, lasted),
            resolved(ResolvedReason::Edited, lasted),
        ];
        assert_eq!(
            said,
            [
                "First failing look: error 502 from your server.",
                "Sure: 3 of 3 looks failed, from local alone.",
                "Sure: 6 of 6 looks failed, 2 of 3 regions say down.",
                "No heartbeat since 13:55.",
                "Sure: the grace is over.",
                "Still down, the cause has changed: error 502.",
                "For 6 min 12 s before that we could not look, through a fault of our own: it may have broken in that time.",
                "Works again, but it was down 4 times within 30 min: this incident stays open until it has not been down for 10 min.",
                "Down again. It flaps, so that nobody is told anew.",
                "Nobody is told: no proven contact.",
                "2 contacts are told.",
                "Works again after 6 min 12 s.",
                "The address was changed after 6 min 12 s.",
            ]
        );
    }
}
