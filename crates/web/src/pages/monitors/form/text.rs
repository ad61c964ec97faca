//! The texts of single fields, read and written.

use domain::monitor::JsonRule;
use domain::monitor::spec::Headers;
use serde_json::Value;

use crate::extract::FormErrors;
use crate::usecases::monitors::MASK;

pub(super) fn masked(headers: &Headers) -> String {
    headers
        .0
        .iter()
        .map(|(name, _)| format!("{name}: {MASK}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What stands above a field, so that the summary on top says which one it is about.
pub(super) fn label(field: &str) -> &'static str {
    match field {
        "kind" => "Kind",
        "port" => "Port",
        "name" => "Name",
        "period_seconds" => "Every",
        "grace_seconds" => "Grace",
        "cron" => "Cron line",
        "timezone" => "Time zone",
        "record" => "Record",
        "expected" => "Expected answers",
        "match" => "Compared",
        "server" => "Name server",
        "send" => "Send",
        "expect" => "Expect in the answer",
        "count" => "Packets a look",
        "max_loss_percent" => "Lost at most",
        "starttls" => "Begin TLS",
        "security" => "Encryption",
        "service" => "Service",
        "ip_family" => "Over",
        "origin" => "Origin",
        "method" => "Method",
        "max_redirects" => "Redirects at most",
        "headers" => "Headers",
        "username" => "Login name",
        "password" => "Password",
        "bearer" => "Bearer token",
        "body" => "Body",
        "expected_status" => "Status",
        "keyword" => "Text that must be there",
        "keyword_absent" => "Text that must not be there",
        "regex" => "Regular expression",
        "json" => "JSON rules",
        "degraded_above_ms" => "Slow from",
        "interval_seconds" => "Look every",
        "timeout_ms" => "Give up after",
        "rechecks" => "Looks that must agree",
        "over_seconds" => "Over at least",
        "warn_days" => "Warn before it expires",
        "contacts" => "Who is told",
        "tags" => "Tags",
        "key" => "Key",
        _ => "Address",
    }
}

pub(super) fn number(field: &str, text: &str, errors: &mut FormErrors) -> Option<u32> {
    if text.is_empty() {
        return None;
    }
    let parsed = text.parse().ok();
    if parsed.is_none() {
        errors.add(
            field,
            format!("{}: this must be a whole number.", label(field)),
        );
    }
    parsed
}

pub(super) fn numbers(field: &str, text: &str, errors: &mut FormErrors) -> Option<Vec<u32>> {
    let parts = words(text)?;
    let parsed: Vec<u32> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    if parsed.len() != parts.len() {
        errors.add(
            field,
            format!(
                "{}: these must be whole numbers with commas between.",
                label(field)
            ),
        );
    }
    Some(parsed)
}

/// Words with commas or new lines between; nothing when there are none.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let words: Vec<String> = text
        .split([',', '\n'])
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    (!words.is_empty()).then_some(words)
}

pub(super) fn headers(text: &str, errors: &mut FormErrors) -> Option<Headers> {
    let mut headers = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.split_once(':') {
            Some((name, value)) => headers.push((name.trim().to_owned(), value.trim().to_owned())),
            None => errors.add(
                "headers",
                format!(
                    "Each line is a name, a colon and a value; \u{201c}{}\u{201d} has no colon.",
                    cut(line)
                ),
            ),
        }
    }
    (!headers.is_empty()).then_some(Headers(headers))
}

/// `$.status eq "ok"`: a path, an operator, a JSON value; a value that is no JSON is text.
pub(super) fn rules(text: &str, errors: &mut FormErrors) -> Option<Vec<JsonRule>> {
    let mut rules = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (path, rest) = line.split_at(path_end(line));
        let mut parts = rest.trim_start().splitn(2, char::is_whitespace);
        match (Some(path), parts.next().filter(|op| !op.is_empty())) {
            (Some(path), Some(op)) => {
                let value = parts.next().map_or(Value::Null, |value| {
                    serde_json::from_str(value.trim()).unwrap_or_else(|_| Value::String(value.trim().to_owned()))
                });
                rules.push(JsonRule { path: path.to_owned(), op: op.to_owned(), value });
            }
            _ => errors.add("json", format!("Each line is a path, an operator and a value, such as $.status eq ok; \u{201c}{}\u{201d} is not.", cut(line))),
        }
    }
    (!rules.is_empty()).then_some(rules)
}

/// Where a path ends: at the first blank that is neither in a bracket nor in quotes.
fn path_end(line: &str) -> usize {
    let (mut depth, mut quote) = (0_u32, None);
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if depth > 0 => quote = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, character) if depth == 0 && character.is_whitespace() => return at,
            (None, _) => {}
        }
    }
    line.len()
}

pub(super) fn rule_text(rule: &JsonRule) -> String {
    match &rule.value {
        Value::Null => format!("{} {}", rule.path, rule.op),
        value => format!("{} {} {value}", rule.path, rule.op),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}
