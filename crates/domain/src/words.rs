//! The words people read: statuses, causes, durations, times. One table each, used by every
//! channel and page.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::check::{Attribution, Failure, FailureClass};
use crate::status::Shown;

/// The word for a status.
pub const fn status(shown: Shown) -> &'static str {
    match shown {
        Shown::Up => "Up",
        Shown::Degraded => "Slow",
        Shown::Partial => "Partly down",
        Shown::Down => "Down",
        Shown::Blocked => "Blocked",
        Shown::Unknown => "We could not look",
        Shown::Maintenance => "Maintenance",
        Shown::Paused => "Paused",
        Shown::Pending => "First look pending",
    }
}

/// The cause as a phrase of at most 40 characters where the detail allows it, such as
/// `error 502 from your server`.
pub fn cause(failure: &Failure, attribution: Option<Attribution>) -> String {
    let detail = failure.detail.as_deref().unwrap_or_default();
    let text: String = if detail.chars().count() > 18 {
        detail
            .chars()
            .take(17)
            .chain(std::iter::once('.'))
            .collect()
    } else {
        detail.to_owned()
    };
    let mut phrase = failure.class.phrase().to_owned();
    if failure.detail.is_none() {
        // A job that only said that it failed named no exit status.
        phrase = phrase.replace(" (exit {code})", "");
    }
    for slot in [
        "{limit}", "{status}", "{count}", "{text}", "{port}", "{time}", "{code}",
    ] {
        phrase = phrase.replace(slot, &text);
    }
    if failure.class == FailureClass::HttpStatus {
        phrase.push_str(match attribution {
            Some(Attribution::Origin) => " from your server",
            Some(Attribution::OriginProxy) => " from your proxy",
            Some(Attribution::Edge) => " from your CDN",
            _ => "",
        });
    }
    phrase.trim_end().to_owned()
}

/// The same phrase at the beginning of a sentence.
pub fn cause_sentence_case(failure: &Failure, attribution: Option<Attribution>) -> String {
    capitalised(&cause(failure, attribution))
}

/// `text` with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// A duration in at most two units: `41 s`, `6 min 12 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let pair = |large: i64, large_unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{large} {large_unit}")
        } else {
            format!("{large} {large_unit} {small} {small_unit}")
        }
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// `in 3 days`, `in 1 day`, `in 5 h`, `within the hour`; `today`, `3 days ago` once it is over.
pub fn days_left(left: SignedDuration) -> String {
    let count = |number: i64, unit: &str| {
        if number == 1 {
            format!("1 {unit}")
        } else {
            format!("{number} {unit}s")
        }
    };
    let seconds = left.as_secs();
    match seconds {
        86_400.. => format!("in {}", count((seconds + 43_200) / 86_400, "day")),
        3_600..86_400 => format!("in {} h", seconds / 3_600),
        0..3_600 => "within the hour".to_owned(),
        -86_399..0 => "today".to_owned(),
        _ => format!("{} ago", count(-seconds / 86_400, "day")),
    }
}

/// Milliseconds with their unit: `4.2 ms` under ten, else `1,234 ms`.
pub fn milliseconds(microseconds: u64) -> String {
    if microseconds < 10_000 {
        let tenths = (microseconds + 50) / 100;
        return format!("{}.{} ms", tenths / 10, tenths % 10);
    }
    format!("{} ms", thousands((microseconds + 500) / 1_000))
}

/// An address with its port, or alone where the kind of look knows no port.
pub fn address(address: std::net::SocketAddr) -> String {
    match address.port() {
        0 => address.ip().to_string(),
        _ => address.to_string(),
    }
}

/// A number with commas: `1,234`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `UTC`, `UTC+1`, `UTC+5:30`: a zone at a moment, never a bare abbreviation.
pub fn offset(at: Timestamp, zone: &TimeZone) -> String {
    let seconds = zone.to_offset(at).seconds();
    if seconds == 0 {
        return "UTC".to_owned();
    }
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    match minutes % 60 {
        0 => format!("UTC{sign}{}", minutes / 60),
        rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
    }
}

/// `Sun 22 Nov 2026, 14:02:11 UTC+1`.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    format!(
        "{} {}",
        local.strftime("%a %-d %b %Y, %H:%M:%S"),
        offset(at, zone)
    )
}

/// `14:02:11 UTC+1`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    format!(
        "{} {}",
        at.to_zoned(zone.clone()).strftime("%H:%M:%S"),
        offset(at, zone)
    )
}

/// `14:02:11`.
pub fn clock_bare(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// `Sun 22 Nov 2026`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%a %-d %b %Y")
        .to_string()
}

/// The zone of that IANA name; UTC when there is none.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// An availability in percent, rounded down, so that 100 % means no second of down time.
pub fn percent(share: f64) -> String {
    if share >= 1.0 {
        return "100 %".to_owned();
    }
    let hundredths = (share * 10_000.0).floor() / 100.0;
    format!("{hundredths:.2} %")
}

/// The first of some names and how many more there are: "Shop, API and 3 more".
pub fn some_of(names: &[impl AsRef<str>], all: u32) -> String {
    let named: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let more = usize::try_from(all)
        .unwrap_or(usize::MAX)
        .saturating_sub(named.len());
    match more {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Phase;

    #[test]
    fn every_phrase_fits_forty_gsm_characters() {
        for class in FailureClass::ALL {
            let detail = match *class {
                FailureClass::KeywordMissing | FailureClass::KeywordPresent => "x".repeat(500),
                FailureClass::HttpStatus => "502".into(),
                FailureClass::TcpUnexpected => "65535".into(),
                FailureClass::HeartbeatMissed => "13:55".into(),
                FailureClass::HeartbeatFailed => "137".into(),
                _ => "10 s".into(),
            };
            let failure = Failure::new(*class, Phase::Body, "").with_detail(detail);
            let phrase = cause(&failure, Some(Attribution::Origin));
            assert!(phrase.chars().count() <= 40, "{phrase}");
            assert!(phrase.is_ascii() && !phrase.contains('{'), "{phrase}");
        }
    }

    #[test]
    fn causes_name_who_said_so() {
        let failure =
            Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "").with_detail("502");
        assert_eq!(
            cause(&failure, Some(Attribution::Origin)),
            "error 502 from your server"
        );
        assert_eq!(
            cause(&failure, Some(Attribution::Edge)),
            "error 502 from your CDN"
        );
        assert_eq!(cause(&failure, None), "error 502");
    }

    #[test]
    fn addresses_show_a_port_where_there_is_one() {
        let say = |text: &str| address(text.parse().unwrap());
        assert_eq!(
            [
                say("192.0.2.1:443"),
                say("192.0.2.1:0"),
                say("[2001:db8::1]:0")
            ],
            ["192.0.2.1:443", "192.0.2.1", "2001:db8::1"]
        );
    }

    #[test]
    fn durations_have_two_units() {
        let say = |seconds| duration(SignedDuration::from_secs(seconds));
        assert_eq!(
            [say(41), say(372), say(3_600), say(7_500), say(273_600)],
            ["41 s", "6 min 12 s", "1 h", "2 h 5 min", "3 d 4 h"]
        );
    }

    #[test]
    fn times_carry_their_offset() {
        let at: Timestamp = "2026-11-22T13:02:11Z".parse().unwrap();
        assert_eq!(
            moment(at, &zone("Europe/Berlin")),
            "Sun 22 Nov 2026, 14:02:11 UTC+1"
        );
        assert_eq!(clock(at, &zone("Asia/Kolkata")), "18:32:11 UTC+5:30");
        assert_eq!(clock(at, &zone("nowhere")), "13:02:11 UTC");
    }

    #[test]
    fn figures() {
        assert_eq!(
            [
                milliseconds(1_240),
                milliseconds(9_960),
                milliseconds(1_234_000)
            ],
            ["1.2 ms", "10.0 ms", "1,234 ms"]
        );
        assert_eq!(
            [percent(1.0), percent(0.999_999), percent(0.5)],
            ["100 %", "99.99 %", "50.00 %"]
        );
    }
}
