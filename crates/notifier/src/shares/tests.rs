//! The rule under many orders of events.

use super::*;

const QUICK: Duration = Duration::from_millis(50);
const HUNG: Duration = Duration::from_secs(20);

fn work(contact: Endpoint) -> Work {
    Work {
        id: DeliveryId::generate(),
        to: contact,
        again: false,
    }
}

fn someone() -> Endpoint {
    Endpoint::of_contact(ContactId::generate())
}

fn to_someone() -> Work {
    work(someone())
}

#[test]
fn an_account_takes_its_places_and_no_more() {
    let shares = Shares::default();
    let (busy, other) = (AccountId::generate(), AccountId::generate());
    let works: Vec<Work> = (0..6).map(|_| to_someone()).collect();
    let started: Vec<usize> = works
        .iter()
        .map(|one| shares.enter(busy, *one).len())
        .collect();
    assert_eq!(started, [1, 1, 1, 1, 0, 0]);
    assert_eq!(shares.enter(other, to_someone()).len(), 1);
    assert_eq!(shares.done(busy, works[0].id, QUICK), [works[4]]);
    assert_eq!(shares.done(busy, works[1].id, QUICK), [works[5]]);
    assert!(shares.done(busy, works[2].id, QUICK).is_empty());
}

#[test]
fn one_contact_does_not_take_all_places() {
    let shares = Shares::default();
    let (account, ana, bo) = (AccountId::generate(), someone(), someone());
    let mut started = Vec::new();
    for contact in [ana, ana, ana, ana, bo, bo] {
        started.extend(shares.enter(account, work(contact)));
    }
    let contacts: Vec<Endpoint> = started.iter().map(|one| one.to).collect();
    assert_eq!(contacts, [ana, ana, bo, bo]);
}

#[test]
fn what_takes_long_makes_room_and_counts_against_its_contact_alone() {
    let shares = Shares::default();
    let (account, well) = (AccountId::generate(), someone());
    let hanging: Vec<Endpoint> = (0..4).map(|_| someone()).collect();
    let hung: Vec<Work> = hanging
        .iter()
        .flat_map(|one| shares.enter(account, work(*one)))
        .collect();
    assert_eq!(hung.len(), 4);
    let first = work(well);
    assert!(shares.enter(account, first).is_empty());
    assert_eq!(shares.step_aside(account, hung[0].id), Some(vec![first]));
    for one in &hung[1..] {
        assert_eq!(shares.step_aside(account, one.id), Some(vec![]));
    }
    assert!(shares.done(account, first.id, QUICK).is_empty());
    for one in &hung {
        shares.done(account, one.id, HUNG);
    }
    // From now on they have a lane apart, one at a time, and never a place.
    for contact in &hanging {
        assert_eq!(shares.enter(account, work(*contact)).len(), 1);
        assert!(shares.enter(account, work(*contact)).is_empty());
    }
    let others: usize = (0..PLACES)
        .map(|_| shares.enter(account, to_someone()).len())
        .sum();
    assert_eq!(others, PLACES);
}

#[test]
fn an_answer_in_time_clears_a_suspect() {
    let shares = Shares::default();
    let (account, ana) = (AccountId::generate(), someone());
    let enter = || shares.enter(account, work(ana)).first().copied();
    let first = enter().unwrap();
    shares.done(account, first.id, HUNG);
    let second = enter().unwrap();
    assert_eq!(enter(), None, "a suspect has one at a time");
    let third = shares.done(account, second.id, QUICK);
    assert_eq!(third.len(), 1);
    assert!(enter().is_some(), "it is cleared");
}

#[test]
fn first_tries_go_before_repeats() {
    let shares = Shares::default();
    let account = AccountId::generate();
    let running: Vec<Work> = (0..PLACES)
        .flat_map(|_| shares.enter(account, to_someone()))
        .collect();
    let (repeat, first) = (
        Work {
            again: true,
            ..to_someone()
        },
        to_someone(),
    );
    for one in [repeat, first, repeat, first] {
        assert!(
            shares.enter(account, one).is_empty(),
            "and nothing waits twice"
        );
    }
    assert_eq!(shares.done(account, running[0].id, QUICK), [first]);
    assert_eq!(shares.done(account, running[1].id, QUICK), [repeat]);
    assert!(shares.done(account, running[2].id, QUICK).is_empty());
}

#[test]
fn no_queue_is_endless_and_a_first_try_displaces_a_repeat() {
    let shares = Shares::default();
    let account = AccountId::generate();
    for _ in 0..PLACES + 2 * WAITING_OF_ACCOUNT {
        shares.enter(
            account,
            Work {
                again: true,
                ..to_someone()
            },
        );
    }
    let first = to_someone();
    shares.enter(account, first);
    let book = shares.book();
    assert_eq!(book.waiting, WAITING_OF_ACCOUNT);
    assert_eq!(book.accounts[&account].waiting.back(), Some(&first));
}

#[test]
fn many_that_hang_are_bounded_and_everything_ends() {
    let shares = Shares::default();
    let mut running: VecDeque<(AccountId, Work)> = VecDeque::new();
    for _ in 0..20 {
        let account = AccountId::generate();
        for _ in 0..100 {
            let started = shares.enter(account, to_someone());
            running.extend(started.into_iter().map(|one| (account, one)));
        }
    }
    // Each running one hangs once.
    let mut round: Vec<(AccountId, Work)> = running.iter().copied().collect();
    while let Some((account, one)) = round.pop() {
        for next in shares.step_aside(account, one.id).unwrap_or_default() {
            running.push_back((account, next));
            round.push((account, next));
        }
    }
    {
        let book = shares.book();
        assert_eq!(book.aside, ASIDE_OF_ALL);
        assert!(
            book.accounts
                .values()
                .all(|share| share.aside() <= ASIDE_OF_ACCOUNT
                    && share.running.len() <= ASIDE_OF_ACCOUNT + PLACES)
        );
    }
    let mut ended = 0;
    while let Some((account, one)) = running.pop_front() {
        ended += 1;
        let took = if ended % 3 == 0 { HUNG } else { QUICK };
        let next = shares.done(account, one.id, took);
        running.extend(next.into_iter().map(|one| (account, one)));
    }
    let book = shares.book();
    assert_eq!((ended, book.aside, book.waiting), (2_000, 0, 0));
    assert!(book.accounts.is_empty());
}

/// Any order of coming, stepping aside and ending keeps the bounds and loses nothing.
#[test]
fn any_order_keeps_the_bounds() {
    for seed in 1..200_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut roll = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap_or(0) % sides
        };
        let shares = Shares::default();
        let account = AccountId::generate();
        let contacts: Vec<Endpoint> = (0..7).map(|_| someone()).collect();
        let (mut running, mut entered, mut started) = (Vec::new(), 0, 0);
        for _ in 0..300 {
            let next = match roll(3) {
                0 => {
                    entered += 1;
                    let again = roll(2) == 0;
                    let contact = contacts[roll(contacts.len())];
                    shares.enter(
                        account,
                        Work {
                            again,
                            ..work(contact)
                        },
                    )
                }
                1 if !running.is_empty() => {
                    let one: &Work = &running[roll(running.len())];
                    shares.step_aside(account, one.id).unwrap_or_default()
                }
                _ if !running.is_empty() => {
                    let one = running.swap_remove(roll(running.len()));
                    let took = if roll(2) == 0 { HUNG } else { QUICK };
                    shares.done(account, one.id, took)
                }
                _ => Vec::new(),
            };
            started += next.len();
            running.extend(next);
            for contact in &contacts {
                let at_once = running.iter().filter(|one| one.to == *contact).count();
                assert!(at_once <= PER_CONTACT);
            }
            let book = shares.book();
            if let Some(share) = book.accounts.get(&account) {
                assert!(share.count(|one| one.lane == Lane::Place) <= PLACES);
                assert!(share.count(|one| one.lane == Lane::Suspect) <= SUSPECTS_AT_ONCE);
                assert_eq!(share.running.len(), running.len());
            }
        }
        while let Some(one) = running.pop() {
            let next = shares.done(account, one.id, QUICK);
            started += next.len();
            running.extend(next);
        }
        assert_eq!(
            started, entered,
            "with seed {seed} something waits for ever"
        );
    }
}
