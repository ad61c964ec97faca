//! How figures and names are said aloud: digits one by one, times and small numbers in words, and
//! never an address that nobody could write down.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Characters of a name that are said.
const NAME_LIMIT: usize = 60;

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

/// `five, zero, two`.
pub fn digits(text: &str) -> String {
    let words: Vec<&str> = text
        .chars()
        .filter_map(|c| SMALL.get(usize::try_from(c.to_digit(10)?).ok()?).copied())
        .collect();
    words.join(", ")
}

/// `forty-three`; a number of more than two digits is said digit by digit.
pub fn number(number: u64) -> String {
    let small = |n: u64| usize::try_from(n).ok().and_then(|n| SMALL.get(n).copied());
    let tens = |n: u64| usize::try_from(n).ok().and_then(|n| TENS.get(n).copied());
    match (number, small(number), tens(number / 10)) {
        (_, Some(word), _) => word.to_owned(),
        (20..=99, None, Some(ten)) => match small(number % 10) {
            Some(one) if !number.is_multiple_of(10) => format!("{ten}-{one}"),
            _ => ten.to_owned(),
        },
        _ => digits(&number.to_string()),
    }
}

/// `fourteen oh two`, `nine thirty`, `fourteen hundred`, `midnight`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let part = |n: i8| u64::try_from(n).unwrap_or(0);
    hour_and_minute(part(local.hour()), part(local.minute()))
}

fn hour_and_minute(hour: u64, minute: u64) -> String {
    match (hour, minute) {
        (0, 0) => "midnight".to_owned(),
        (_, 0) => format!("{} hundred", number(hour)),
        (_, 1..=9) => format!("{} oh {}", number(hour), number(minute)),
        _ => format!("{} {}", number(hour), number(minute)),
    }
}

/// A duration in its largest unit: `forty-one seconds`, `six minutes`, `two hours`, `three days`.
pub fn duration(duration: SignedDuration) -> String {
    let seconds = u64::try_from(duration.as_secs()).unwrap_or(0);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {unit}{plural}", number(count))
}

/// A name as it is said: of an address its host, cut at a word, nothing that is no text.
pub fn name(name: &str) -> String {
    let bare = match name.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or_default(),
        None => name,
    };
    let clean: String = bare
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut said = String::new();
    for word in clean.split_whitespace() {
        let longer = said.chars().count() + 1 + word.chars().count();
        if said.is_empty() {
            said.extend(word.chars().take(NAME_LIMIT));
        } else if longer <= NAME_LIMIT {
            said.push(' ');
            said.push_str(word);
        } else {
            break;
        }
    }
    if said.is_empty() {
        "a monitor".to_owned()
    } else {
        said
    }
}

/// A written sentence as it is said: figures in words, addresses left out.
pub fn sentence(text: &str) -> String {
    let mut said: Vec<String> = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let word = word.replace(['(', ')', '`', '"', '<', '>'], "");
        let bare = word.trim_end_matches(['.', ',', ';', ':', '?']);
        let end = match &word[bare.len()..] {
            "" => "",
            "?" => "?",
            "." | ";" => ".",
            _ => ",",
        };
        if bare.is_empty() {
            continue;
        }
        said.push(format!("{}{end}", spoken(bare, said.last())));
    }
    said.join(" ")
}

/// One word of a sentence; the one before it tells whether it is a unit.
fn spoken(word: &str, before: Option<&String>) -> String {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if word.contains("://") {
        return "its address".to_owned();
    }
    if word.parse::<std::net::IpAddr>().is_ok() || word.parse::<std::net::SocketAddr>().is_ok() {
        return "its address".to_owned();
    }
    if is_digits(word) {
        // A status is an error to whoever only hears the figure.
        let answers = before.is_some_and(|word| matches!(word.as_str(), "answers" | "answered"));
        let is_status = word.len() == 3 && word.starts_with(['4', '5']);
        if answers && is_status {
            return format!("with error {}", digits(word));
        }
        return match word.parse::<u64>() {
            Ok(n) if n < 100 => number(n),
            _ => digits(word),
        };
    }
    if let Some((hour, minute)) = word.split_once(':')
        && is_digits(hour)
        && minute.len() >= 2
        && minute.is_char_boundary(2)
        && let (Ok(hour @ 0..24), Ok(minute @ 0..60)) = (hour.parse(), minute[..2].parse())
    {
        return hour_and_minute(hour, minute);
    }
    let after_a_figure = before.is_some_and(|last| {
        let last = last.rsplit([' ', '-', ',']).next().unwrap_or_default();
        SMALL.contains(&last) || TENS.contains(&last)
    });
    match (word, after_a_figure) {
        ("s", true) => "seconds".to_owned(),
        ("ms", true) => "milliseconds".to_owned(),
        ("min", true) => "minutes".to_owned(),
        _ => word.to_owned(),
    }
}
