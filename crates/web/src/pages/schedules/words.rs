//! Schedules in words.

use domain::oncall::{Day, Layer, ShiftUnit, Span, Times};
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::people::People;

/// `Sun 29 Nov 2026, 09:00 UTC+1`, with seconds where there are any.
pub fn minute(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned(zone.clone());
    let clock = if local.second() == 0 {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    let day = words::day(at, zone);
    format!(
        "{day}, {} {}",
        local.strftime(clock),
        words::offset(at, zone)
    )
}

/// `Sun 29 Nov 2026, 00:00 to 09:00 UTC+1`, with both days where they differ.
pub fn span(span: Span, zone: &TimeZone) -> String {
    let one = domain::maintenance::Occurrence {
        starts_at: span.from,
        ends_at: span.to,
    };
    crate::pages::maintenance::words::span(&one, zone)
}

/// `Kim, then Ana, in turns of a week from Mon 16 Nov 2026, 09:00`.
pub fn layer(layer: &Layer, people: &People) -> String {
    let names: Vec<&str> = layer
        .participants
        .iter()
        .map(|who| people.name(*who))
        .collect();
    let begin = layer.local_start.strftime("%a %-d %b %Y, %H:%M");
    if names.len() == 1 {
        return format!("{} alone, from {begin}", names.join(""));
    }
    let turn = turn(layer.shift_unit, layer.shift_count);
    format!("{}, in turns of {turn} from {begin}", names.join(", then "))
}

fn turn(unit: ShiftUnit, count: u32) -> String {
    match (unit, count) {
        (ShiftUnit::Hour, 1) => "an hour".to_owned(),
        (unit, 1) => format!("a {}", unit.as_str()),
        (unit, count) => format!("{count} {}s", unit.as_str()),
    }
}

/// `Mon to Fri 09:00 to 17:00`.
pub fn times(times: &[Times]) -> String {
    let one = |one: &Times| {
        let whole = one.from == one.to && one.from == jiff::civil::Time::midnight();
        let days = days(&one.days);
        if whole {
            return days;
        }
        let (from, to) = (one.from.strftime("%H:%M"), one.to.strftime("%H:%M"));
        let next = if one.to > one.from {
            ""
        } else {
            " the next day"
        };
        format!("{days} {from} to {to}{next}")
    };
    times.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `Mon to Fri`, `Mon, Wed`, `every day`.
fn days(days: &[Day]) -> String {
    let ticked: Vec<usize> = (0..7).filter(|i| days.contains(&Day::ALL[*i])).collect();
    let name = |i: &usize| Day::ALL[*i].short();
    match ticked.as_slice() {
        [] => String::new(),
        all if all.len() == 7 => "every day".to_owned(),
        [first, .., last] if ticked.len() > 2 && last - first == ticked.len() - 1 => {
            format!("{} to {}", name(first), name(last))
        }
        some => some.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_a_line() {
        use Day::{Fr, Mo, Sa, Su, Th, Tu, We};
        let said = |days: &[Day], from: &str, to: &str| {
            times(&[Times {
                days: days.to_vec(),
                from: from.parse().unwrap(),
                to: to.parse().unwrap(),
            }])
        };
        assert_eq!(
            said(&[Fr, Mo, Tu, We, Th], "09:00", "17:00"),
            "Mon to Fri 09:00 to 17:00"
        );
        assert_eq!(said(&[Sa, Su], "00:00", "00:00"), "Sat, Sun");
        assert_eq!(
            said(&Day::ALL, "22:00", "06:00"),
            "every day 22:00 to 06:00 the next day"
        );
        assert_eq!(
            said(&[Mo, We, Fr], "09:00", "10:00"),
            "Mon, Wed, Fri 09:00 to 10:00"
        );
    }
}
