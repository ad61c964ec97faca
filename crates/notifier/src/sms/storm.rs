//! The text about several events.

use domain::alert::sms::{clock, storm as texts};
use domain::alert::storm::{Kind, What};
use domain::words;

use crate::brief::Brief;
use crate::storm::{Said, Storm, is_follow_up, longest, monitors, number_of, takers, told_of};

/// One segment.
pub(super) fn together(brief: &Brief<'_>, storm: &Storm) -> String {
    let link = &storm.link;
    match storm.kind {
        Kind::Down => down(brief, storm),
        Kind::Again => {
            let since = storm.members.iter().map(|member| member.since).min();
            let all = monitors(storm.members.len());
            texts::down((&all, since), "Nobody has them", &brief.zone, link)
        }
        Kind::Up => up(brief, storm),
        Kind::Taken => {
            let (all, by) = (monitors(storm.members.len()), takers(storm));
            texts::other(
                "TAKEN",
                &all,
                (&format!(" by {by}"), "Reminders stop"),
                link,
            )
        }
        Kind::Ending => {
            let said = Said::of(storm, brief);
            let what = said.title.trim_start_matches("Ending: ");
            let (what, first) = what.split_once(" (").unwrap_or((what, ""));
            let first = words::capitalised(first.trim_end_matches(')'));
            texts::other("ENDING", what, ("", &first), link)
        }
        Kind::Notice => {
            let said = Said::of(storm, brief);
            let kinds = said.title.split_once('(').map_or("", |(_, kinds)| kinds);
            let all = monitors(storm.members.len());
            texts::other("NOTE", &all, ("", kinds.trim_end_matches(')')), link)
        }
    }
}

fn down(brief: &Brief<'_>, storm: &Storm) -> String {
    let shared = storm.shared().map_or_else(String::new, |shared| {
        let count = words::capitalised(&number_of(&shared, told_of(storm)));
        let cause = &shared.cause;
        match &shared.what {
            What::Address(what) | What::Host(what) => format!("{count} share {what}: {cause}"),
            What::Cause => format!("{count} fail alike: {cause}"),
        }
    });
    let members = storm.members.iter().chain(&storm.alone);
    let since = members.map(|member| member.since).min();
    let (what, since) = match (is_follow_up(storm), storm.standing) {
        (true, Some(standing)) => (
            format!("{} more ({} in all)", storm.members.len(), standing.open),
            None,
        ),
        _ => (monitors(told_of(storm)), since),
    };
    texts::down((&what, since), &shared, &brief.zone, &storm.link)
}

fn up(brief: &Brief<'_>, storm: &Storm) -> String {
    let at = storm.members.iter().filter_map(|member| member.until).max();
    let at = clock(at.unwrap_or(brief.now), &brief.zone);
    let lasted = longest(storm);
    match storm.standing {
        Some(standing) if standing.open > 0 => {
            let up = standing.all.saturating_sub(standing.open);
            let what = format!("{up} of {}", monitors(standing.all));
            texts::up(
                &what,
                &format!(", {} still down", standing.open),
                &storm.link,
            )
        }
        standing => {
            let what = match standing {
                Some(standing) => format!("all {}", monitors(standing.all)),
                None => monitors(storm.members.len()),
            };
            texts::up(
                &what,
                &format!(" since {at}, down up to {lasted}"),
                &storm.link,
            )
        }
    }
}
