//! The sentences of a use case, put at the fields they are about.

use super::text::label;
use crate::extract::FormErrors;
use crate::usecases::UseCaseError;

/// What a use case complains of, at the fields of the form. `targets` are the addresses in the order
/// in which the settings were handed over.
pub fn complaints(error: UseCaseError, targets: &[String]) -> Result<FormErrors, UseCaseError> {
    let Some(sentences) = error.field_sentences() else {
        return Err(error);
    };
    let mut errors = FormErrors::new();
    for (pointer, sentence) in sentences {
        let (place, rest) = place(&pointer);
        let field = field_of(rest);
        let address = place
            .filter(|_| targets.len() > 1 && field == "target")
            .and_then(|place| targets.get(place));
        match address {
            Some(address) => errors.add(field, format!("{}: {sentence}", cut_address(address))),
            None => errors.add(field, named(field, &sentence)),
        }
    }
    Ok(errors)
}

/// `This must be …` says in the summary on top of the form what must be.
fn named(field: &str, sentence: &str) -> String {
    match sentence.strip_prefix("This ") {
        Some(rest) => format!("{}: this {rest}", label(field)),
        None => sentence.to_owned(),
    }
}

fn cut_address(address: &str) -> String {
    if address.chars().count() <= 80 {
        address.to_owned()
    } else {
        address.chars().take(79).chain(['…']).collect()
    }
}

/// `/2/url` is the third monitor's `/url`.
fn place(pointer: &str) -> (Option<usize>, &str) {
    let rest = pointer.trim_start_matches('/');
    let (first, after) = rest.split_once('/').unwrap_or((rest, ""));
    match first.parse() {
        Ok(place) => (Some(place), after),
        Err(_) => (None, rest),
    }
}

/// The field that shows what a pointer names.
fn field_of(pointer: &str) -> &'static str {
    const FIELDS: [&str; 44] = [
        "kind",
        "port",
        "name",
        "interval_seconds",
        "period_seconds",
        "cron",
        "timezone",
        "grace_seconds",
        "timeout_ms",
        "method",
        "headers",
        "body",
        "follow_redirects",
        "max_redirects",
        "expected_status",
        "keyword",
        "keyword_absent",
        "regex",
        "json",
        "username",
        "password",
        "bearer",
        "ip_family",
        "origin",
        "verify_tls",
        "record",
        "expected",
        "match",
        "server",
        "send",
        "expect",
        "count",
        "max_loss_percent",
        "starttls",
        "security",
        "service",
        "warn_days",
        "rechecks",
        "over_seconds",
        "degraded_above_ms",
        "tags",
        "depends_on",
        "severity",
        "key",
    ];
    pointer
        .split('/')
        .find_map(|part| match part {
            "contact_ids" | "policy_id" => Some("contacts"),
            "auth" if pointer.ends_with("/auth") => Some("username"),
            part => FIELDS.into_iter().find(|field| *field == part),
        })
        .unwrap_or("target")
}

#[cfg(test)]
mod tests {
    use domain::monitor::validate::FieldError;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/http/headers/Authorization", "headers")]
    #[case("/1/url", "target")]
    #[case("/confirm/over_seconds", "over_seconds")]
    #[case("/contact_ids/0", "contacts")]
    #[case("", "target")]
    fn complaints_go_to_their_field(#[case] pointer: &str, #[case] field: &str) {
        let error = UseCaseError::Invalid(vec![FieldError::new(pointer, "x", "is wrong")]);
        let errors = complaints(
            error,
            &["https://a.example/".into(), "https://b.example/".into()],
        )
        .unwrap();
        assert!(errors.at(field).is_some(), "{errors:?}");
        if pointer == "/1/url" {
            assert_eq!(
                errors.at("target"),
                Some("https://b.example/: This is wrong.")
            );
        }
    }
}
