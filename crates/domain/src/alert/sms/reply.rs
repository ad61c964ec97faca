//! Answers to texts that people send us, one segment each.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Draft, NAME_LONG, NAME_SHORT, clock, gsm};

/// `OK, you have Shop checkout. The others are told, reminders stop. {link}`
pub fn acknowledged(name: &str, link: &str) -> String {
    Draft {
        word: "OK, you have",
        name,
        cause: "The others are told, reminders stop".to_owned(),
        link,
        ..Draft::default()
    }
    .render()
}

/// `Fire drill of Shop checkout: your answer is noted. Nothing is down. {link}`
pub fn drill_answered(name: &str, link: &str) -> String {
    Draft {
        word: "Fire drill of",
        name,
        when: ": your answer is noted".to_owned(),
        cause: "Nothing is down".to_owned(),
        link,
        ..Draft::default()
    }
    .render()
}

/// `OK, you have all 3. The others are told, reminders stop. {link}`
pub fn acknowledged_all(count: usize, link: &str) -> String {
    acknowledged(&format!("all {count}"), link)
}

/// `2 open: ACK 1 Shop checkout, ACK 2 API. Or ACK ALL. {link}`; of many the first few, and how many more.
pub fn several(names: &[String], link: &str) -> String {
    let text = |limit: usize, shown: usize| {
        let listed: Vec<String> = names
            .iter()
            .take(shown)
            .enumerate()
            .map(|(index, name)| {
                format!(
                    "ACK {} {}",
                    index + 1,
                    gsm::cut(&gsm::fit(name), limit).trim_end()
                )
            })
            .collect();
        let more = match names.len() - shown.min(names.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "{} open: {}{more}. Or ACK ALL. {}",
            names.len(),
            listed.join(", "),
            super::link(link)
        )
    };
    [NAME_LONG, NAME_SHORT]
        .into_iter()
        .map(|limit| text(limit, names.len()))
        .chain((1..names.len()).rev().map(|shown| text(NAME_SHORT, shown)))
        .find(|text| gsm::length(text) <= gsm::SEGMENT)
        .unwrap_or_else(|| format!("{} open. Reply ACK ALL.", names.len()))
}

/// `TAKEN Shop checkout by Bo at 14:03 UTC+1. {link}`
pub fn already_taken(name: &str, by: &str, at: Timestamp, zone: &TimeZone, link: &str) -> String {
    Draft {
        word: "TAKEN",
        name,
        when: format!(
            " by {} at {}",
            gsm::cut(&gsm::fit(by), NAME_LONG),
            clock(at, zone)
        ),
        link,
        ..Draft::default()
    }
    .render()
}

/// `Nothing that this number was told of is open. {link}`
pub fn nothing_open(link: &str) -> String {
    say("Nothing that this number was told of is open", link)
}

/// `Watchbell alerts. ACK takes an outage, STOP ends texts to this number. {link}`
pub fn help(link: &str) -> String {
    say(
        "Watchbell alerts. ACK takes an outage, STOP ends texts to this number",
        link,
    )
}

/// `Watchbell does not know that word. ACK takes an outage, STOP ends texts to this number. {link}`
pub fn unknown(link: &str) -> String {
    say(
        "Watchbell does not know that word. ACK takes an outage, STOP ends texts to this number",
        link,
    )
}

/// `Noted. Texts come again when this number is confirmed anew. {link}`
pub fn started(link: &str) -> String {
    say(
        "Noted. Texts come again when this number is confirmed anew",
        link,
    )
}

fn say(text: &str, link: &str) -> String {
    Draft {
        cause: text.to_owned(),
        link,
        ..Draft::default()
    }
    .render()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://watchbell.example/i/7KQ2M9XA";
    const LIST: &str = "https://watchbell.example/incidents";

    #[test]
    fn as_the_reference_words_them() {
        assert_eq!(
            acknowledged("Shop checkout", LINK),
            "OK, you have Shop checkout. The others are told, reminders stop. https://watchbell.example/i/7KQ2M9XA"
        );
        let names = ["Shop checkout".to_owned(), "API".to_owned()];
        assert_eq!(
            several(&names, LIST),
            "2 open: ACK 1 Shop checkout, ACK 2 API. Or ACK ALL. https://watchbell.example/incidents"
        );
        assert_eq!(
            help(LIST),
            "Watchbell alerts. ACK takes an outage, STOP ends texts to this number. https://watchbell.example/incidents"
        );
    }

    #[test]
    fn every_answer_is_one_segment() {
        let long = "A monitor \u{20ac} with a name of more than forty characters <&>".to_owned();
        let link = "https://a-rather-long-host-name.watchbell.example/incidents";
        for count in [2, 5, 9, 43, 50] {
            let text = several(&vec![long.clone(); count], link);
            assert!(gsm::length(&text) <= gsm::SEGMENT, "{text}");
            assert!(text.starts_with(&format!("{count} open")) && text.contains("ACK ALL"));
        }
        let zone = TimeZone::UTC;
        for text in [
            acknowledged(&long, link),
            acknowledged_all(50, link),
            already_taken(&long, &long, Timestamp::UNIX_EPOCH, &zone, link),
            nothing_open(link),
            help(link),
            unknown(link),
            started(link),
        ] {
            assert!(gsm::length(&text) <= gsm::SEGMENT, "{text}");
            assert!(text.contains("watchbell.example"), "{text}");
        }
    }
}
