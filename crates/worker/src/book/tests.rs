use std::time::Duration;

use domain::check::VerdictKind;
use domain::ids::AccountId;
use domain::monitor::{MonitorSpec, Settings, schedule};
use domain::status::Observed;
use jiff::SignedDuration;
use store::leases::Lease;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) fn plan(id: MonitorId, interval_seconds: u32) -> Plan {
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

pub(crate) const KNOWN: Known = Known {
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
            book.ended(id, due.ticket);
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
fn a_look_that_was_asked_for_before_the_shard_was_loaded_hides_no_slot() {
    let id = MonitorId::generate();
    let mut book = Book::default();
    let (shard, plan) = (schedule::shard(id), plan(id, 60));
    let slot = plan.slot_at(at(0));
    let recorded_through = slot - SignedDuration::from_secs(1);
    book.shards.insert(&Lease {
        shard,
        epoch: 7,
        recorded_through,
    });
    // As a request does, and then the load of the shard.
    book.upsert(plan.clone(), KNOWN, None, at(0));
    book.upsert(plan.clone(), KNOWN, Some(recorded_through), at(0));
    book.shards.loaded(shard);
    let due = book.pop_due(at(0)).due;
    assert_eq!(due.iter().map(|due| due.at).collect::<Vec<_>>(), [slot]);
    assert_eq!(due[0].why, Why::Slot { caught_up: true });
    book.ended(id, due[0].ticket);
    // Loaded again, it is not looked at again; and the next slot comes once.
    book.upsert(plan.clone(), KNOWN, Some(recorded_through), at(0));
    assert_eq!(book.pop_due(at(0)).due.len(), 0);
    let next = book.pop_due(at(60)).due;
    assert_eq!(
        next.iter().map(|due| due.at).collect::<Vec<_>>(),
        [plan.next_slot(at(0))]
    );
}

#[test]
fn a_monitor_that_is_still_being_looked_at_is_not_looked_at_twice() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let first = book.pop_due(at(60)).due;
    assert_eq!(first.len(), 1);
    book.take_up(id, first[0].ticket).unwrap();
    let next = book.pop_due(at(120));
    assert_eq!((next.due.len(), next.running), (0, 1));
    book.ended(id, first[0].ticket);
    assert_eq!(book.pop_due(at(180)).due.len(), 1);
}

#[test]
fn a_look_that_waits_for_room_stands_for_the_newest_slot_and_the_others_are_counted() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let first = book.pop_due(at(60)).due.remove(0);
    let later: Vec<Popped> = [120, 180].map(|second| book.pop_due(at(second))).into();
    assert!(later.iter().all(|popped| popped.due.is_empty()));
    assert_eq!(later.iter().map(|popped| popped.overtaken).sum::<u64>(), 2);
    let (slot, _) = book.take_up(id, first.ticket).unwrap();
    assert_eq!(slot, first.at + SignedDuration::from_secs(120));
    // Progress waits for that one alone.
    let through = |book: &Book| book.shards.progress()[0].through;
    assert_eq!(through(&book), slot - SignedDuration::from_micros(1));
    book.shards.done(schedule::shard(id), slot, id);
    assert_eq!(through(&book), at(180));
}

#[test]
fn a_monitor_that_is_removed_while_it_waits_for_room_holds_up_no_progress() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let first = book.pop_due(at(60)).due.remove(0);
    book.pop_due(at(120));
    book.remove(id);
    assert_eq!(book.shards.progress()[0].through, at(120));
    assert!(book.take_up(id, first.ticket).is_none());
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
    book.ended(id, due[0].ticket);
    book.upsert(plan(id, 10), KNOWN, None, at(100));
    let mut count = 0;
    for second in 101..=160 {
        for due in book.pop_due(at(second)).due {
            count += 1;
            book.ended(id, due.ticket);
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
    book.look_at(id, at(3));
    assert!(
        book.pop_due(at(5))
            .due
            .iter()
            .all(|due| due.why != Why::Recheck),
        "one runs already"
    );
    book.ended(id, due[0].ticket);
    book.look_at(id, at(8));
    book.look_at(id, at(7));
    assert_eq!(
        book.pop_due(at(8))
            .due
            .iter()
            .filter(|due| due.why == Why::Recheck)
            .count(),
        1
    );
}

fn wanted(starts: &[Timestamp]) -> Rechecks {
    Rechecks {
        at: starts.to_vec(),
        decides_at: at(16),
    }
}

/// The rechecks that are due, by the second.
fn rechecks(book: &mut Book, seconds: std::ops::RangeInclusive<i64>) -> Vec<(i64, Ticket)> {
    let mut due = Vec::new();
    for second in seconds {
        let popped = book.pop_due(at(second)).due;
        let rechecks = popped.iter().filter(|due| due.why == Why::Recheck);
        due.extend(rechecks.map(|due| (due.at.duration_since(at(0)).as_secs(), due.ticket)));
    }
    due
}

#[test]
fn confirming_looks_overlap_and_none_is_made_twice() {
    let id = MonitorId::generate();
    let mut book = Book::default();
    book.upsert(plan(id, 3600), KNOWN, None, at(0));
    book.plan_rechecks(id, at(0), wanted(&[at(10), at(16)]));
    let due = rechecks(&mut book, 1..=30);
    assert_eq!(due.iter().map(|due| due.0).collect::<Vec<_>>(), [10, 16]);
    // The second has failed; the third, which began meanwhile, is the one that is still wanted.
    book.ended(id, due[0].1);
    book.plan_rechecks(id, at(10), wanted(&[at(20)]));
    assert!(rechecks(&mut book, 20..=40).is_empty());
    // One that was asked for began after it and answered first: what began before does not count.
    book.plan_rechecks(id, at(18), wanted(&[at(41)]));
    let again = rechecks(&mut book, 41..=50);
    assert_eq!(again.len(), 1);
    // What was planned is dropped when nothing is to be confirmed any more.
    book.plan_rechecks(id, at(41), wanted(&[at(60), at(70)]));
    book.plan_rechecks(id, at(50), Rechecks::none());
    assert!(rechecks(&mut book, 51..=100).is_empty());
}

#[test]
fn a_recheck_that_begins_late_puts_off_the_next() {
    let id = MonitorId::generate();
    let mut book = Book::default();
    book.upsert(plan(id, 3600), KNOWN, None, at(0));
    book.plan_rechecks(id, at(0), wanted(&[at(10), at(13), at(16), at(40)]));
    let first = rechecks(&mut book, 1..=11)[0].1;
    book.began(id, first, at(12));
    let due = rechecks(&mut book, 12..=60);
    let due: Vec<i64> = due.iter().map(|due| due.0).collect();
    assert_eq!(due, [15, 18, 40]);
}

#[test]
fn looks_are_handed_over_in_the_order_of_their_beginning() {
    let id = MonitorId::generate();
    let mut book = Book::default();
    book.upsert(plan(id, 3600), KNOWN, None, at(0));
    book.plan_rechecks(id, at(0), wanted(&[at(10), at(13), at(16)]));
    let due = rechecks(&mut book, 1..=30);
    let [first, second, third] = [due[0].1, due[1].1, due[2].1];
    book.began(id, second, at(30));
    book.began(id, first, at(30));
    book.began(id, third, at(30));
    assert!(book.is_its_turn(id, second) && !book.is_its_turn(id, first));
    book.put_off(id, second);
    assert!(book.is_its_turn(id, first) && !book.is_its_turn(id, third));
    book.began(id, second, at(30));
    assert!(book.ended(id, first), "others may have waited for it");
    assert!(book.is_its_turn(id, third) && !book.is_its_turn(id, second));
    assert!(book.ended(id, third));
    assert!(book.is_its_turn(id, second));
    assert!(!book.ended(id, second), "nobody is left");
    book.remove(id);
    assert!(book.is_its_turn(id, third), "taken out meanwhile");
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

#[test]
fn no_slot_begins_in_a_shard_that_is_given_up_and_its_progress_stands() {
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let first = book.pop_due(at(60)).due.remove(0);
    let shard = schedule::shard(id);
    book.shards.leave(&[shard]);
    assert!(book.shards.are_open(&[shard]), "what has begun goes on");
    assert!(book.pop_due(at(300)).due.is_empty());
    book.shards.done(shard, first.at, id);
    assert!(!book.shards.are_open(&[shard]));
    assert_eq!(book.shards.progress()[0].through, at(60));

    // It could not be given up after all: it is loaded anew, from where it stood.
    book.drop_leaving();
    assert!(book.get(id).is_none() && book.shards.numbers().is_empty());
}

#[test]
fn what_another_looked_at_by_a_clock_that_was_ahead_is_not_looked_at_again() {
    let id = MonitorId::generate();
    let slot = plan(id, 60).next_slot(at(0));
    let now = slot - SignedDuration::from_millis(50);
    let mut book = Book::default();
    let shard = schedule::shard(id);
    book.shards.insert(&Lease {
        shard,
        epoch: 8,
        recorded_through: slot,
    });
    book.upsert(plan(id, 60), KNOWN, Some(slot), now);
    book.shards.loaded(shard);
    assert!(book.pop_due(slot).due.is_empty());
    let next = slot + SignedDuration::from_secs(60);
    assert_eq!(book.pop_due(next).due[0].at, next);
}

/// What is kept of a monitor that nobody looks at, in places alone: texts come to it.
#[test]
fn an_idle_monitor_is_small() {
    let entry = std::mem::size_of::<(MonitorId, Entry)>();
    let plan = std::mem::size_of::<Plan>();
    assert!(entry <= 200 && plan <= 624, "{entry} {plan}");
    let id = MonitorId::generate();
    let mut book = book_with(id, None);
    let due = book.pop_due(at(60)).due.remove(0);
    book.ended(id, due.ticket);
    assert_eq!(book.get(id).unwrap().running.capacity(), 0);
}
