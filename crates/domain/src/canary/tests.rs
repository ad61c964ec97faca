use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// `+` answered, `-` silent, `d` dead and silent, `D` dead and answering, `o` does not count.
fn round(text: &str) -> Vec<Word> {
    text.chars()
        .map(|c| Word {
            counts: c != 'o',
            dead: matches!(c, 'd' | 'D'),
            answered: matches!(c, '+' | 'D'),
        })
        .collect()
}

const WELL: Option<Health> = Some(Health::Well);
const CUT: Option<Health> = Some(Health::Blind(Trouble::Cut));
const LOSS: Option<Health> = Some(Health::Blind(Trouble::Loss));
const AFTER_CUT: Option<Trouble> = Some(Trouble::Cut);
const AFTER_LOSS: Option<Trouble> = Some(Trouble::Loss);

#[rstest]
#[case::nobody_counts(&["oooo"], None, Some(Health::Off))]
#[case::nobody_is_there(&[""], None, Some(Health::Off))]
#[case::all_answer(&["++++"], None, WELL)]
#[case::one_alone_answers(&["+"], None, WELL)]
#[case::one_alone_is_silent(&["-"], None, None)]
#[case::one_alone_stays_silent(&["-", "-"], None, CUT)]
#[case::a_stranger_is_silent(&["+++o"], None, WELL)]
#[case::a_lost_packet(&["+++-"], None, None)]
#[case::was_a_lost_packet(&["+++++++-", "++++++++", "++++++++"], None, WELL)]
#[case::all_silent_once(&["----"], None, None)]
#[case::all_silent_twice(&["----", "----"], None, CUT)]
#[case::silent_then_there_again(&["--------", "++++++++", "++++++++"], None, LOSS)]
#[case::half_are_silent(&["++--", "++--"], None, CUT)]
#[case::a_third_of_the_looks_fail(&["+-+++-++", "++-++-+-", "-++++-++"], None, LOSS)]
#[case::one_that_died_long_ago(&["+++d"], None, WELL)]
#[case::one_died_and_a_packet_is_lost(&["++++++-d"], None, None)]
#[case::most_died_long_ago(&["+ddd", "+ddd"], None, CUT)]
#[case::sight_comes_back_after_two(&["++++"], AFTER_CUT, None)]
#[case::sight_is_back(&["++++", "++++"], AFTER_CUT, WELL)]
#[case::sight_is_back_but_for_the_dead(&["+++d", "+++d"], AFTER_CUT, WELL)]
#[case::two_with_one_silent(&["+-", "+-"], None, CUT)]
#[case::luck_on_a_lossy_line(&["++++", "++++"], AFTER_LOSS, None)]
#[case::still_luck(&["++++", "++++", "++++", "++++", "++++"], AFTER_LOSS, None)]
#[case::a_lossy_line_is_well(&["++++", "++++", "++++", "++++", "++++", "++++"], AFTER_LOSS, WELL)]
#[case::a_lossy_line_is_well_but_for_one(&["++++", "++++", "++++", "++++", "+++-", "++++"], AFTER_LOSS, WELL)]
#[case::a_lossy_line_is_not_well(&["++++", "+++-", "++++"], AFTER_LOSS, LOSS)]
#[case::a_lossy_line_is_cut(&["----", "----"], AFTER_LOSS, CUT)]
fn a_sitting_is_judged(
    #[case] rounds: &[&str],
    #[case] before: Option<Trouble>,
    #[case] health: Option<Health>,
) {
    let rounds: Vec<_> = rounds.iter().map(|text| round(text)).collect();
    assert_eq!(judge(&rounds, before), health);
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

fn answered(hours: i64) -> Standing {
    let mut standing = Standing::default();
    standing.take_in(true, at(hours));
    standing
}

#[test]
fn who_has_answered_counts_until_the_others_outlive_it_by_a_day() {
    let never = Standing::default();
    assert_eq!(counting(&[never, never]), [false, false]);
    assert_eq!(counting(&[answered(0), never]), [true, false]);
    assert_eq!(counting(&[answered(0), answered(24)]), [true, true]);
    assert_eq!(counting(&[answered(0), answered(25)]), [false, true]);
    // A cut of a week silences all of them alike.
    let mut silent = answered(0);
    silent.take_in(false, at(24 * 7));
    assert_eq!(counting(&[silent, silent]), [true, true]);
}

#[test]
fn silence_kills_slowly_and_an_answer_revives() {
    let mut standing = answered(0);
    for _ in 0..DEAD_AFTER {
        assert!(!standing.is_dead());
        standing.take_in(false, at(1));
    }
    assert!(standing.is_dead());
    standing.take_in(true, at(2));
    assert!(!standing.is_dead());
    assert_eq!(
        (standing.first_answer_at, standing.last_answer_at),
        (Some(at(0)), Some(at(2)))
    );
}

#[test]
fn the_first_answer_counts_in_its_own_round() {
    let before = [Standing::default(), Standing::default()];
    let after = [answered(0), Standing::default()];
    let words = words(&before, &after, &[true, false]);
    assert_eq!(judge(&[words], None), WELL);
}

/// A sitting on a line where each look at a canary fails with this chance.
fn sitting(chances: &[f64], canaries: usize, failing: f64, before: Option<Trouble>) -> Health {
    let mut rounds: Vec<Vec<Word>> = Vec::new();
    let mut chances = chances.iter();
    loop {
        let word = |chance: &f64| Word {
            counts: true,
            dead: false,
            answered: *chance >= failing,
        };
        rounds.push(chances.by_ref().take(canaries).map(word).collect());
        if let Some(health) = judge(&rounds, before) {
            return health;
        }
    }
}

fn trouble() -> impl Strategy<Value = Option<Trouble>> {
    prop::sample::select(vec![None, AFTER_CUT, AFTER_LOSS])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_sitting_always_ends(rounds in prop::collection::vec(prop::collection::vec((any::<bool>(), any::<bool>(), any::<bool>()), 5), ROUNDS_AFTER_LOSS), before in trouble()) {
        let rounds: Vec<Vec<Word>> = rounds
            .into_iter()
            .map(|round| round.into_iter().map(|(counts, dead, answered)| Word { counts, dead, answered }).collect())
            .collect();
        prop_assert!(judge(&rounds, before).is_some());
    }

    #[test]
    fn a_whole_cut_is_never_health(canaries in 1_usize..10, before in trouble()) {
        let silent = vec![0.0; canaries * MOST_ROUNDS];
        prop_assert_eq!(sitting(&silent, canaries, 1.0, before), Health::Blind(Trouble::Cut));
    }
}

/// Draws that are the same in every run.
fn draws(seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(u32::MAX);
        f64::from(high) / f64::from(u32::MAX)
    })
}

/// With 30 % of packets lost about every second https look misses two seconds, and more than a third
/// do when the line is quick to repair; with 5 % one in thirty.
#[test]
fn a_lossy_line_is_blind_and_a_usual_one_is_not() {
    let mut draws = draws(7);
    let mut well = |failing: f64, before| {
        (0..10_000)
            .filter(|_| {
                let chances: Vec<f64> = draws.by_ref().take(8 * ROUNDS_AFTER_LOSS).collect();
                sitting(&chances, 8, failing, before) == Health::Well
            })
            .count()
    };
    assert_eq!(well(0.0, AFTER_CUT), 10_000);
    assert!(well(0.03, None) > 9_950, "a usual line");
    assert!(
        well(0.35, None) < 600,
        "30 % loss on a line that is quick to repair"
    );
    assert!(well(0.35, AFTER_CUT) < 300, "and once blind it stays so");
    assert!(well(0.5, None) < 60, "30 % loss");
    assert_eq!(well(0.0, AFTER_LOSS), 10_000);
    assert!(
        well(0.03, AFTER_LOSS) > 6_000,
        "a usual line is well again soon"
    );
    assert!(
        well(0.25, AFTER_LOSS) < 10,
        "http on a lossy line stays blind"
    );
}
