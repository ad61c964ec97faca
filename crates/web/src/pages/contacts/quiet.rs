//! Quiet hours as they are typed: one time a line, such as `22:00-07:00` or `sat sun 00:00-24:00`.

use domain::contact::QuietHours;
use domain::contact::quiet::{Day, QuietRange};
use domain::monitor::validate::FieldError;

use crate::extract::{Fields, FormErrors};

/// The fields as they stand in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuietForm {
    pub ranges: String,
    pub timezone: String,
    pub except_critical: bool,
}

impl QuietForm {
    /// What is set; a contact without quiet hours is offered the zone of its account.
    pub fn of(hours: Option<&QuietHours>, account_zone: &str) -> Self {
        let Some(hours) = hours else {
            return Self {
                ranges: String::new(),
                timezone: account_zone.to_owned(),
                except_critical: true,
            };
        };
        let line = |range: &QuietRange| {
            let days: String = range
                .days
                .iter()
                .map(|day| format!("{} ", day.as_str()))
                .collect();
            format!("{days}{}-{}", range.from, range.to)
        };
        Self {
            ranges: hours.ranges.iter().map(line).collect::<Vec<_>>().join("\n"),
            timezone: hours.timezone.clone(),
            except_critical: hours.except_critical,
        }
    }

    /// As it was sent.
    pub fn sent(fields: &Fields) -> Self {
        Self {
            ranges: fields.raw("quiet").to_owned(),
            timezone: fields.text("quiet_zone").to_owned(),
            except_critical: fields.flag("quiet_except_critical"),
        }
    }
}

/// The quiet hours that were typed; no lines are none.
pub fn typed(fields: &Fields) -> Result<Option<QuietHours>, FormErrors> {
    let form = QuietForm::sent(fields);
    let lines = form
        .ranges
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let ranges: Option<Vec<QuietRange>> = lines.map(range).collect();
    let Some(ranges) = ranges else {
        let wrong = "Write one time a line, such as 22:00-07:00 or sat sun 00:00-24:00.";
        return Err(FormErrors::one("quiet", wrong));
    };
    if ranges.is_empty() {
        return Ok(None);
    }
    Ok(Some(QuietHours {
        timezone: form.timezone,
        ranges,
        except_critical: form.except_critical,
    }))
}

fn range(line: &str) -> Option<QuietRange> {
    let line = line
        .to_lowercase()
        .replace(',', " ")
        .replace('\u{2013}', "-");
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let (from, to) = words.pop()?.split_once('-')?;
    let days: Option<Vec<Day>> = words.into_iter().map(Day::parse).collect();
    Some(QuietRange {
        days: days?,
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

/// What the rules say of them, at their fields.
pub fn complaints(wrong: &[FieldError]) -> FormErrors {
    let mut errors = FormErrors::new();
    for error in wrong {
        let field = match error.pointer.as_str() {
            "/quiet_hours/timezone" => "quiet_zone",
            _ => "quiet",
        };
        errors.add(field, format!("Quiet hours: {}.", error.message));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        for line in ["22:00-07:00", "sat sun 00:00-24:00"] {
            let hours = QuietHours {
                timezone: "UTC".into(),
                ranges: vec![range(line).unwrap()],
                except_critical: true,
            };
            assert_eq!(QuietForm::of(Some(&hours), "").ranges, line);
        }
        assert_eq!(
            range("Sat, Sun 0:00\u{2013}1:00").unwrap().days,
            [Day::Sat, Day::Sun]
        );
        for wrong in ["22:00", "weekend 22:00-23:00", "-"] {
            assert!(
                range(wrong).is_none_or(|range| range.from.is_empty()),
                "{wrong}"
            );
        }
    }
}
