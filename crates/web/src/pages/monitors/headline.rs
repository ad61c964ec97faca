//! The sentence on top of the dashboard, and what the tab says.

use domain::status::Shown;
use domain::words;
use jiff::{SignedDuration, Timestamp};

/// What the headline needs to know of a monitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Known<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its status.
    pub shown: Shown,
    /// Since when.
    pub since: Timestamp,
    /// It is down behind another one.
    pub is_behind: bool,
}

/// The headline in two parts: what is said loudly and what is said after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// "2 of 12 are down".
    pub main: String,
    /// "Shop checkout for 6 min".
    pub rest: String,
    /// How many are down.
    pub down: usize,
    /// The worst status there is.
    pub worst: Option<Shown>,
}

/// The headline over all monitors of an account.
pub fn headline(all: &[Known<'_>], now: Timestamp) -> Headline {
    let of = |shown| {
        all.iter()
            .filter(|known| known.shown == shown)
            .collect::<Vec<_>>()
    };
    let down = of(Shown::Down);
    let looked = all.len() - of(Shown::Paused).len();
    let (main, rest) = if !down.is_empty() {
        down_words(&down, looked, now)
    } else if looked == 0 {
        (
            if all.len() == 1 {
                "It is paused".to_owned()
            } else {
                format!("All {} are paused", all.len())
            },
            String::new(),
        )
    } else {
        calm_words(all, looked)
    };
    Headline {
        main,
        rest,
        down: down.len(),
        worst: Shown::ALL
            .into_iter()
            .find(|shown| all.iter().any(|known| known.shown == *shown)),
    }
}

fn down_words(down: &[&Known<'_>], looked: usize, now: Timestamp) -> (String, String) {
    // What stands behind something else is not what is to be mended, whenever it was seen first.
    let Some(longest) = down
        .iter()
        .min_by_key(|known| (known.is_behind, known.since))
    else {
        return Default::default();
    };
    let lasted = words::duration(now.duration_since(longest.since).max(SignedDuration::ZERO));
    let name = short(longest.name);
    if looked == 1 {
        return (format!("{name} is down"), format!("for {lasted}"));
    }
    let verb = if down.len() == 1 { "is" } else { "are" };
    (
        format!("{} of {looked} {verb} down", down.len()),
        format!("{name} for {lasted}"),
    )
}

/// A name for a line in large letters; one made of a long address is cut.
fn short(name: &str) -> String {
    const MOST: usize = 40;
    if name.chars().count() <= MOST {
        name.to_owned()
    } else {
        name.chars().take(MOST - 1).chain(['…']).collect()
    }
}

fn calm_words(all: &[Known<'_>], looked: usize) -> (String, String) {
    const TROUBLES: [(Shown, &str); 6] = [
        (Shown::Partial, "partly down"),
        (Shown::Degraded, "slow"),
        (Shown::Blocked, "blocked"),
        (Shown::Unknown, "could not be looked at"),
        (Shown::Maintenance, "in maintenance"),
        (Shown::Pending, "waiting for a first look"),
    ];
    let count = |shown| all.iter().filter(|known| known.shown == shown).count();
    let troubles: Vec<String> = TROUBLES
        .iter()
        .filter(|(shown, _)| count(*shown) > 0)
        .map(|(shown, word)| format!("{} {word}", count(*shown)))
        .collect();
    let up = count(Shown::Up);
    if troubles.is_empty() && up == looked {
        let main = if looked == 1 {
            "It is up".to_owned()
        } else {
            format!("All {looked} are up")
        };
        return (main, String::new());
    }
    if up == 0 && count(Shown::Pending) == looked {
        return ("The first looks are on their way".to_owned(), String::new());
    }
    ("Nothing is down".to_owned(), troubles.join(", "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn a_long_name_does_not_fill_the_headline() {
        let name = "shop.example/a/very/long/path/that/nobody/types";
        let now: Timestamp = "2026-11-22T13:02:11Z".parse().unwrap();
        let known = Known {
            name,
            shown: Shown::Down,
            since: now,
            is_behind: false,
        };
        let said = headline(&[known], now);
        assert_eq!(
            said.main,
            "shop.example/a/very/long/path/that/nobo… is down"
        );
    }

    #[test]
    fn a_child_is_never_named_while_what_it_stands_behind_is_down() {
        let now: Timestamp = "2026-11-22T13:02:11Z".parse().unwrap();
        let known = |name, ago, is_behind| Known {
            name,
            shown: Shown::Down,
            since: now - SignedDuration::from_secs(ago),
            is_behind,
        };
        let said = headline(&[known("Shop", 90, true), known("Router", 61, false)], now);
        assert_eq!(
            (said.main.as_str(), said.rest.as_str()),
            ("2 of 2 are down", "Router for 1 min 1 s")
        );
    }

    #[rstest]
    #[case(&[Shown::Up; 12], "All 12 are up", "")]
    #[case(&[Shown::Up], "It is up", "")]
    #[case(&[Shown::Paused, Shown::Paused], "All 2 are paused", "")]
    #[case(&[Shown::Up, Shown::Up, Shown::Paused], "All 2 are up", "")]
    #[case(&[Shown::Down, Shown::Up, Shown::Down], "2 of 3 are down", "Shop 0 for 6 min 11 s")]
    #[case(&[Shown::Down, Shown::Up, Shown::Paused], "1 of 2 is down", "Shop 0 for 6 min 11 s")]
    #[case(&[Shown::Down], "Shop 0 is down", "for 6 min 11 s")]
    #[case(&[Shown::Degraded, Shown::Blocked, Shown::Up], "Nothing is down", "1 slow, 1 blocked")]
    #[case(&[Shown::Pending, Shown::Pending], "The first looks are on their way", "")]
    #[case(&[Shown::Pending, Shown::Up], "Nothing is down", "1 waiting for a first look")]
    fn it_says_what_matters_first(
        #[case] statuses: &[Shown],
        #[case] main: &str,
        #[case] rest: &str,
    ) {
        let names: Vec<String> = (0..statuses.len())
            .map(|number| format!("Shop {number}"))
            .collect();
        let now: Timestamp = "2026-11-22T13:02:11Z".parse().unwrap();
        let known: Vec<Known<'_>> = statuses
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(number, (shown, name))| Known {
                name,
                shown: *shown,
                since: now - SignedDuration::from_secs(371 - i64::try_from(number).unwrap()),
                is_behind: false,
            })
            .collect();
        let said = headline(&known, now);
        assert_eq!((said.main.as_str(), said.rest.as_str()), (main, rest));
    }
}
