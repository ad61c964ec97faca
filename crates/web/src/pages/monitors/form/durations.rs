//! Lengths of time as people type them: `90 s`, `10 min`, `1 h 30 min`, `1 day`, or a bare number.

use jiff::{Span, SpanRelativeTo, Unit};

use super::text::label;
use crate::extract::FormErrors;

/// Whole seconds; a bare number is seconds. Nothing when nothing is typed.
pub(super) fn seconds(field: &str, text: &str, errors: &mut FormErrors) -> Option<u32> {
    read(field, text, Unit::Second, errors)
}

/// Whole milliseconds; a bare number is milliseconds.
pub(super) fn milliseconds(field: &str, text: &str, errors: &mut FormErrors) -> Option<u32> {
    read(field, text, Unit::Millisecond, errors)
}

/// The same of a text, for forms that name their own fields.
pub fn parse_seconds(text: &str) -> Option<u32> {
    parse(text, Unit::Second)
}

fn read(field: &str, text: &str, unit: Unit, errors: &mut FormErrors) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    let parsed = parse(text, unit);
    if parsed.is_none() {
        let example = match unit {
            Unit::Millisecond => "800 ms or 10 s",
            _ => "90 s, 10 min, 1 h or 1 day",
        };
        errors.add(
            field,
            format!(
                "{}: this must be a length of time, such as {example}.",
                label(field)
            ),
        );
    }
    parsed
}

fn parse(text: &str, unit: Unit) -> Option<u32> {
    let bare: String = text.chars().filter(|c| !matches!(c, ',' | '_')).collect();
    if let Ok(number) = bare.parse() {
        return Some(number);
    }
    let span: Span = text.to_lowercase().parse().ok()?;
    let total = span
        .total((unit, SpanRelativeTo::days_are_24_hours()))
        .ok()?;
    let is_whole = total.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&total);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and within the bounds of the type"
    )]
    is_whole.then_some(total as u32)
}

/// The shortest way to write it that reads back as the same: `1 day`, `90 min`.
pub fn seconds_text(seconds: Option<u32>) -> String {
    const UNITS: [(u32, &str); 3] = [(86_400, "day"), (3_600, "h"), (60, "min")];
    let Some(seconds) = seconds else {
        return String::new();
    };
    let fits = |unit: &(u32, &str)| seconds > 0 && seconds.is_multiple_of(unit.0);
    match UNITS.into_iter().find(fits) {
        Some((unit, "day")) if seconds > unit => format!("{} days", seconds / unit),
        Some((unit, word)) => format!("{} {word}", seconds / unit),
        None => format!("{seconds} s"),
    }
}

/// The same of milliseconds: `10 s`, `800 ms`.
pub(super) fn milliseconds_text(milliseconds: Option<u32>) -> String {
    match milliseconds {
        None => String::new(),
        Some(ms) if ms > 0 && ms.is_multiple_of(1_000) => format!("{} s", ms / 1_000),
        Some(ms) => format!("{ms} ms"),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("90", Some(90))]
    #[case("86,400", Some(86_400))]
    #[case("90 s", Some(90))]
    #[case("10 min", Some(600))]
    #[case("10m", Some(600))]
    #[case("1 h 30 min", Some(5_400))]
    #[case("1 Hour", Some(3_600))]
    #[case("1 day", Some(86_400))]
    #[case("2 weeks", Some(1_209_600))]
    #[case("500 ms", None)]
    #[case("1 month", None)]
    #[case("-1 h", None)]
    #[case("often", None)]
    #[case("5000000000", None)]
    fn a_length_is_typed_with_its_unit(#[case] text: &str, #[case] read: Option<u32>) {
        assert_eq!(parse(text, Unit::Second), read);
    }

    #[rstest]
    #[case(0)]
    #[case(59)]
    #[case(3_600)]
    #[case(5_400)]
    #[case(86_400)]
    #[case(172_800)]
    #[case(86_401)]
    fn what_is_written_reads_back(#[case] seconds: u32) {
        assert_eq!(
            parse(&seconds_text(Some(seconds)), Unit::Second),
            Some(seconds)
        );
        let text = milliseconds_text(Some(seconds));
        assert_eq!(parse(&text, Unit::Millisecond), Some(seconds));
    }
}
