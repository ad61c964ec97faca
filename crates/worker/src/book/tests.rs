use std::time::Duration;

use domain::check::VerdictKind;
use domain::ids::AccountId;
use domain::monitor::{MonitorSpec, Settings, schedule};
use domain::status::Observed;
use jiff::SignedDuration;
use store::leases::Lease;

use super::*;

const SLOT: Why = Why::Slot { caught_up: false };

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn plan(id: MonitorId, interval_seconds: u32) -> Plan {
    let spec = MonitorSpec {
        url: Some("https://shop.example/".to_owned()),
        interval_seconds: Some(interval_seconds),
        ..MonitorSpec::default()
    };
    let settings = Settings::of(&spec);
    Plan {
        account_id: AccountId::generate(),
        monitor_id: id,
        shard: schedule::shard(id),
        config_version: 1,
        phase: schedule::phase(id, settings.interval, 0, 1),
        settings,
        history_months: 3,
        created_at: at(-1_000_000),
    }
}

const KNOWN: Known = Known {
    observed: Observed::Up,
    vote: Some(VerdictKind::Up),
    confirming: false,
    quiet: false,
    ever_up: true,
    was_public: true,
};

fn book_with(id: MonitorId, since: Option<Timestamp>) -> Book {
    let mut book = Book::default();
    let shard = schedule::shard(id);
    book.shards.insert(&Lease {
        shard,
        epoch: 7,
        recorded_through: since.unwrap_or(at(-5)),
    });
    book.upsert(plan(id, 60), KNOWN, since, at(0));
    book.shards.loaded(shard);
    book
}

#[test]
fn each_slot_is_due_once() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let mut slots = Vec::new();
    for second in 0..300 {
        for due in book.pop_due(at(second)).due {
            slots.push(due.at);
            book.ended(id, due.why);
        }
    }
    assert_eq!(slots.len(), 5);
    assert!(
        slots
            .windows(2)
            .all(|pair| pair[1].duration_since(pair[0]) == SignedDuration::from_secs(60))
    );
}

#[test]
fn a_monitor_that_is_still_being_looked_at_is_not_looked_at_twice() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    assert_eq!(book.pop_due(at(60)).due.len(), 1);
    let next = book.pop_due(at(120));
    assert_eq!((next.due.len(), next.running), (0, 1));
    book.ended(id, SLOT);
    assert_eq!(book.pop_due(at(180)).due.len(), 1);
}

#[test]
fn a_process_that_slept_looks_once_and_leaves_the_rest_a_gap() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let due = book.pop_due(at(3600)).due;
    assert_eq!(due.len(), 1);
    assert!(
        at(3600).duration_since(due[0].at) < SignedDuration::from_secs(60),
        "the newest slot"
    );
    assert!(book.next_due().unwrap() > at(3600));
}

#[test]
fn after_a_take_over_the_missed_slot_is_looked_at_now() {
    let id = MonitorId::generate();
    let mut book = book_with(id, Some(at(-90)));
    let due = book.pop_due(at(0)).due;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].why, Why::Slot { caught_up: true });
    assert!(due[0].at <= at(0) && due[0].at > at(-60));
    let mut recorded = book_with(id, Some(at(0)));
    assert!(
        recorded.pop_due(at(0)).due.is_empty(),
        "everything up to now is recorded"
    );
}

#[test]
fn a_new_interval_starts_a_new_timetable_and_other_edits_do_not() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let first = book.next_due().unwrap();
    let mut edited = plan(id, 60);
    edited.config_version = 2;
    edited.settings.timeout = Duration::from_secs(1);
    book.upsert(edited, KNOWN, None, at(0));
    let due = book.pop_due(at(59)).due;
    assert_eq!(
        (due.len(), due[0].at, due[0].plan.config_version),
        (1, first, 2)
    );
    book.ended(id, SLOT);
    book.upsert(plan(id, 10), KNOWN, None, at(100));
    let mut count = 0;
    for second in 101..=160 {
        for due in book.pop_due(at(second)).due {
            count += 1;
            book.ended(id, due.why);
        }
    }
    assert_eq!(
        count, 6,
        "six slots of ten seconds, and none of the old timetable"
    );
}

#[test]
fn a_confirmation_begun_elsewhere_goes_on_at_once() {
    let id = MonitorId::generate();
    let mut book = Book::default();
    book.upsert(
        plan(id, 3600),
        Known {
            confirming: true,
            ..KNOWN
        },
        None,
        at(0),
    );
    let due = book.pop_due(at(0)).due;
    assert_eq!(
        due.iter().map(|due| due.why).collect::<Vec<_>>(),
        [Why::Recheck]
    );
    book.schedule_recheck(id, at(3));
    assert!(
        book.pop_due(at(5))
            .due
            .iter()
            .all(|due| due.why != Why::Recheck),
        "one runs already"
    );
    book.ended(id, Why::Recheck);
    book.schedule_recheck(id, at(8));
    book.schedule_recheck(id, at(7));
    assert_eq!(
        book.pop_due(at(8))
            .due
            .iter()
            .filter(|due| due.why == Why::Recheck)
            .count(),
        1
    );
}

#[test]
fn progress_stops_before_what_is_not_stored() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let slot = book.pop_due(at(60)).due[0].at;
    let shard = schedule::shard(id);
    book.shards.wait(shard, slot, id);
    let through = |book: &Book| book.shards.progress()[0].through;
    assert!(through(&book) < slot, "looked at, not stored");
    book.shards.done(shard, slot, id);
    assert!(
        through(&book) < slot,
        "stored, but its transition is not recorded"
    );
    book.shards.done(shard, slot, id);
    assert_eq!(through(&book), at(60));
    book.remove_shards(&[shard]);
    assert!(book.shards.progress().is_empty() && book.get(id).is_none());
}
