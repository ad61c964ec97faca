//! The `http` block.

use super::complaints::{Complaints, Text, escape};
use super::status::parse_status_range;
use crate::monitor::rules::{Op, Path, Pattern, RuleError};
use crate::monitor::spec::{Headers, HttpAuth, HttpSpec, JsonRule};
use crate::target::header::MAX_HEADER_BYTES;
use crate::target::{
    AddressPolicy, HeaderRefusal, Origin, TargetRefusal, check_header, check_method,
};

/// Bytes of a request body, at most.
const MAX_BODY: usize = 64 * 1024;
/// Bytes of a JSON rule's value as JSON, at most.
const MAX_RULE_VALUE: usize = 1_000;

pub(super) fn check(http: &HttpSpec, policy: AddressPolicy, complaints: &mut Complaints) {
    if let Some(method) = &http.method
        && let Err(refusal) = check_method(method)
    {
        complaints.add("/http/method", "invalid", refusal.to_string());
    }
    if let Some(headers) = &http.headers {
        check_headers(headers, policy, complaints);
    }
    if let Some(body) = &http.body {
        if body.len() > MAX_BODY {
            complaints.add("/http/body", "too_long", "must be at most 64 kB long");
        } else if body.contains('\0') {
            complaints.add(
                "/http/body",
                "invalid_character",
                "must not contain NUL characters",
            );
        }
    }
    complaints.range("/http/max_redirects", http.max_redirects, 0, 20);
    check_statuses(http.expected_status.as_deref(), complaints);
    for (pointer, keyword) in [
        ("/http/keyword", &http.keyword),
        ("/http/keyword_absent", &http.keyword_absent),
    ] {
        if let Some(keyword) = keyword {
            complaints.text(pointer, keyword, 500, Text::Free);
        }
    }
    if let Some(pattern) = &http.regex {
        complaints.text("/http/regex", pattern, 500, Text::Free);
        if complaints.is_clean("/http/regex")
            && let Err(error) = Pattern::parse(pattern)
        {
            complaints.add("/http/regex", "invalid", sentence(&error));
        }
    }
    if let Some(auth) = &http.auth {
        check_auth(auth, http.headers.as_ref(), complaints);
    }
    if let Some(origin) = &http.origin
        && let Err(refusal) = Origin::parse(origin, policy)
    {
        let message = match refusal {
            TargetRefusal::Malformed(why) => format!(
                "must be a host or an address, with or without a port, such as origin.shop.example or 203.0.113.7:8443 ({why})"
            ),
            _ => refusal.to_string(),
        };
        complaints.add("/http/origin", refusal.code(), message);
    }
    check_rules(http.json.as_deref().unwrap_or_default(), complaints);
    check_bodiless(http, complaints);
}

/// An answer to HEAD has no body, so a rule over it would always fail.
fn check_bodiless(http: &HttpSpec, complaints: &mut Complaints) {
    if http.method.as_deref() != Some("HEAD") {
        return;
    }
    let rules = [
        ("/http/keyword", http.keyword.is_some()),
        ("/http/regex", http.regex.is_some()),
        (
            "/http/json",
            http.json.as_ref().is_some_and(|rules| !rules.is_empty()),
        ),
    ];
    for (pointer, given) in rules {
        if given {
            let message = "must be left out with HEAD, whose answer has no body";
            complaints.add(pointer, "conflict", message);
        }
    }
}

fn check_auth(auth: &HttpAuth, headers: Option<&Headers>, complaints: &mut Complaints) {
    let in_headers = headers.is_some_and(|headers| {
        headers
            .0
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
    });
    match (&auth.basic, &auth.bearer) {
        (None, None) => complaints.add("/http/auth", "required", "must have basic or bearer"),
        (Some(_), Some(_)) => complaints.add(
            "/http/auth",
            "conflict",
            "must have basic or bearer, not both",
        ),
        _ if in_headers => complaints.add(
            "/http/auth",
            "conflict",
            "must be left out when headers has Authorization",
        ),
        (Some(basic), None) => {
            complaints.text(
                "/http/auth/basic/username",
                &basic.username,
                200,
                Text::Line,
            );
            if basic.username.contains(':') {
                complaints.add(
                    "/http/auth/basic/username",
                    "invalid_character",
                    "must not contain a colon",
                );
            }
            complaints.text(
                "/http/auth/basic/password",
                &basic.password,
                500,
                Text::Free,
            );
        }
        (None, Some(token)) => {
            complaints.text("/http/auth/bearer", token, 4_000, Text::Free);
            // RFC 6750, 2.1 names fewer, but tokens in the wild have more.
            if token.chars().any(|c| c.is_whitespace() || c.is_control()) {
                complaints.add(
                    "/http/auth/bearer",
                    "invalid_character",
                    "must not contain blanks or control characters",
                );
            }
        }
    }
}

fn check_headers(headers: &Headers, policy: AddressPolicy, complaints: &mut Complaints) {
    let headers = &headers.0;
    if headers.len() > 20 {
        complaints.add("/http/headers", "too_many", "must have at most 20 entries");
        return;
    }
    let bytes: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MAX_HEADER_BYTES {
        complaints.add(
            "/http/headers",
            "too_long",
            HeaderRefusal::TooLarge.to_string(),
        );
        return;
    }
    for (i, (name, value)) in headers.iter().enumerate() {
        let pointer = format!("/http/headers/{}", escape(name));
        if let Err(refusal) = check_header(name, value, policy) {
            complaints.add(&pointer, "invalid", refusal.to_string());
        }
        if headers[..i]
            .iter()
            .any(|(earlier, _)| earlier.eq_ignore_ascii_case(name))
        {
            complaints.add(&pointer, "duplicate", "must not repeat an earlier entry");
        }
    }
}

fn check_statuses(expected: Option<&[String]>, complaints: &mut Complaints) {
    let Some(expected) = expected else { return };
    complaints.count("/http/expected_status", expected.len(), 1, 20);
    for (i, text) in expected.iter().enumerate().take(20) {
        if let Err(error) = parse_status_range(text) {
            complaints.add(
                &format!("/http/expected_status/{i}"),
                "invalid",
                error.to_string(),
            );
        }
    }
}

fn check_rules(rules: &[JsonRule], complaints: &mut Complaints) {
    complaints.count("/http/json", rules.len(), 0, 20);
    for (i, rule) in rules.iter().enumerate().take(20) {
        let pointer = |field: &str| format!("/http/json/{i}/{field}");
        complaints.text(&pointer("path"), &rule.path, 500, Text::Free);
        if complaints.is_clean(&pointer("path"))
            && let Err(error) = Path::parse(&rule.path)
        {
            complaints.add(&pointer("path"), "invalid", sentence(&error));
        }
        match Op::parse(&rule.op) {
            Err(error) => complaints.add(&pointer("op"), "invalid", error.to_string()),
            Ok(op) => check_value(op, rule, &pointer("value"), complaints),
        }
    }
}

fn check_value(op: Op, rule: &JsonRule, pointer: &str, complaints: &mut Complaints) {
    let ordered = matches!(op, Op::Gt | Op::Lt | Op::Ge | Op::Le);
    if ordered && !rule.value.is_number() && !rule.value.is_string() {
        complaints.add(
            pointer,
            "invalid",
            "must be a number or a text to compare with",
        );
    } else if op == Op::Contains && rule.value.is_null() {
        complaints.add(pointer, "required", "must be given");
    } else if rule.value.to_string().len() > MAX_RULE_VALUE {
        complaints.add(pointer, "too_long", "must be at most 1000 bytes of JSON");
    } else if rule.value.as_str().is_some_and(|text| text.contains('\0')) {
        complaints.add(
            pointer,
            "invalid_character",
            "must not contain NUL characters",
        );
    }
}

/// "is not …" reads as a fact; a complaint says what must be.
fn sentence(error: &RuleError) -> String {
    match error {
        RuleError::Path(at) => {
            format!("must be a JSON path such as $.status (wrong at character {at})")
        }
        RuleError::Pattern(why) => format!("must be a regular expression that we can use: {why}"),
        RuleError::Costly | RuleError::Op => error.to_string(),
    }
}
