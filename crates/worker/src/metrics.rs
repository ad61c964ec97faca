//! The names of what a worker counts and measures.

use std::sync::Once;

use ::metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};
use domain::check::VerdictKind;

/// Looks of the timetable that came due.
pub const LOOKS_DUE: &str = "watchbell_looks_due_total";
/// Looks that were made, by `verdict`.
pub const LOOKS_DONE: &str = "watchbell_looks_done_total";
/// Looks that were not made, by `reason`: `running` (the one before still ran), `late` (its whole
/// interval was over), `put_off` (no room at its address), `handed_over`.
pub const LOOKS_SKIPPED: &str = "watchbell_looks_skipped_total";
/// Times a look was put off because its address had no room (`WATCHBELL_TARGET_BUDGET`).
pub const PUT_OFF: &str = "watchbell_looks_put_off_total";
/// Seconds between a slot and the begin of its look.
pub const LATENESS: &str = "watchbell_look_lateness_seconds";
/// Seconds a look took.
pub const DURATION: &str = "watchbell_look_duration_seconds";
/// Looks that run.
pub const INFLIGHT: &str = "watchbell_looks_inflight";
/// Looks that are due and wait for room.
pub const WAITING: &str = "watchbell_looks_waiting";
/// Slots looked at after their time, because nobody held their shard.
pub const CAUGHT_UP: &str = "watchbell_looks_caught_up_total";
/// Monitors in the timetable.
pub const MONITORS: &str = "watchbell_timetable_monitors";
/// Shards held.
pub const SHARDS: &str = "watchbell_shards_held";
/// Looks that wait to be stored.
pub const BUFFERED: &str = "watchbell_buffer_looks";
/// Good looks that were dropped because the database was gone for too long.
pub const DROPPED: &str = "watchbell_buffer_dropped_total";
/// Looks stored.
pub const STORED: &str = "watchbell_looks_stored_total";
/// Transitions that wait to be recorded.
pub const UNRECORDED: &str = "watchbell_transitions_waiting";
/// Looks taken into a status, by `outcome`.
pub const RECORDED: &str = "watchbell_transitions_total";
/// Look requests answered, by `reason`.
pub const REQUESTED: &str = "watchbell_look_requests_total";
/// Failures looked at closer, by `new`: whether that told another cause than one look.
pub const EXAMINED: &str = "watchbell_autopsies_total";
/// Seconds from the opening of an incident to the end of the closer look.
pub const EXAMINED_AFTER: &str = "watchbell_autopsy_after_seconds";
/// Proofs of origins that were asked for, by `outcome`: `found`, `missing` or `silent`.
pub const ORIGIN_PROOFS: &str = "watchbell_origin_proofs_total";
/// Looks at origins behind what answers well, by `verdict`.
pub const ORIGIN_LOOKS: &str = "watchbell_origin_looks_total";
/// Pages that were compared with the answer for an address that does not exist, by `found`: `text` or `none`.
pub const PROPOSALS: &str = "watchbell_keyword_proposals_total";
/// Looks at canaries, by `outcome`: `answered` or `silent`.
pub const CANARY_LOOKS: &str = "watchbell_canary_looks_total";
/// 1 while our own way out is in trouble, and nothing opens or closes.
pub const BLIND: &str = "watchbell_blind";
/// 1 while a canary counts; 0: the self-check is off.
pub const SELF_CHECK: &str = "watchbell_self_check";
/// Known-dead canaries that answer. Above 0, what we see as up may be down.
pub const LYING: &str = "watchbell_known_dead_answering";
/// Looks that were held back while nothing could be seen.
pub const HELD: &str = "watchbell_looks_held_total";
/// 1 while calls of jobs reach us; at 0 no heartbeat is missed.
pub const INGEST: &str = "watchbell_ingest_well";
/// Rounds of housekeeping, by `sweep` and `outcome`.
pub const SWEEPS: &str = "watchbell_sweeps_total";

/// What is written at every look, found once: to find it by name costs more than to write it.
pub(crate) struct Meters {
    pub due: Counter,
    pub running: Counter,
    pub overtaken: Counter,
    pub late: Histogram,
    pub duration: Histogram,
    pub monitors: Gauge,
    pub waiting: Gauge,
    pub inflight: Gauge,
    done: [Counter; 5],
}

impl Meters {
    /// Those of the recorder that is installed.
    pub fn new() -> Self {
        Self {
            due: counter!(LOOKS_DUE),
            running: counter!(LOOKS_SKIPPED, "reason" => "running"),
            overtaken: counter!(LOOKS_SKIPPED, "reason" => "late"),
            late: histogram!(LATENESS),
            duration: histogram!(DURATION),
            monitors: gauge!(MONITORS),
            waiting: gauge!(WAITING),
            inflight: gauge!(INFLIGHT),
            done: [
                VerdictKind::Up,
                VerdictKind::Degraded,
                VerdictKind::Down,
                VerdictKind::Blocked,
                VerdictKind::Unknown,
            ]
            .map(|kind| counter!(LOOKS_DONE, "verdict" => kind.as_str())),
        }
    }

    /// Looks of a verdict.
    pub const fn done(&self, kind: VerdictKind) -> &Counter {
        let [up, degraded, down, blocked, unknown] = &self.done;
        match kind {
            VerdictKind::Up => up,
            VerdictKind::Degraded => degraded,
            VerdictKind::Down => down,
            VerdictKind::Blocked => blocked,
            VerdictKind::Unknown => unknown,
        }
    }
}

/// Tells the recorder what each name means; once a process.
pub fn describe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        describe_counter!(LOOKS_DUE, "Looks of the timetable that came due");
        describe_counter!(LOOKS_DONE, "Looks made, by verdict");
        describe_counter!(LOOKS_SKIPPED, "Looks not made, by reason");
        describe_counter!(PUT_OFF, "Times a look was put off for its address's budget");
        describe_histogram!(
            LATENESS,
            Unit::Seconds,
            "From a slot to the begin of its look"
        );
        describe_histogram!(DURATION, Unit::Seconds, "How long looks take");
        describe_gauge!(INFLIGHT, "Looks that run");
        describe_gauge!(WAITING, "Looks that are due and wait for room");
        describe_counter!(CAUGHT_UP, "Slots looked at after nobody held their shard");
        describe_gauge!(MONITORS, "Monitors in the timetable");
        describe_gauge!(SHARDS, "Shards held");
        describe_gauge!(BUFFERED, "Looks that wait to be stored");
        describe_counter!(DROPPED, "Good looks dropped while the database was gone");
        describe_counter!(STORED, "Looks stored");
        describe_gauge!(UNRECORDED, "Transitions that wait to be recorded");
        describe_counter!(RECORDED, "Looks taken into a status, by outcome");
        describe_counter!(REQUESTED, "Look requests answered, by reason");
        describe_counter!(EXAMINED, "Failures looked at closer");
        describe_histogram!(
            EXAMINED_AFTER,
            Unit::Seconds,
            "From an incident to the end of the closer look"
        );
        describe_counter!(ORIGIN_PROOFS, "Proofs of origins asked for, by outcome");
        describe_counter!(ORIGIN_LOOKS, "Looks at origins, by verdict");
        describe_counter!(PROPOSALS, "Pages compared to propose a text, by found");
        describe_gauge!(INGEST, "1 while calls of jobs reach us");
        describe_counter!(CANARY_LOOKS, "Looks at canaries, by outcome");
        describe_gauge!(BLIND, "Our own way out is in trouble");
        describe_gauge!(SELF_CHECK, "A canary counts");
        describe_gauge!(LYING, "Known-dead canaries that answer");
        describe_counter!(HELD, "Looks held back while nothing could be seen");
        describe_counter!(SWEEPS, "Rounds of housekeeping, by sweep and outcome");
    });
}
