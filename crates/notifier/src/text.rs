//! Text as services take it.

use crate::card::Card;
use crate::email::render::Tone;

/// At most so many characters; an ellipsis stands for what is left out.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(most - 1).collect::<String>())
}

/// What begins a tag or an entity of HTML.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Markdown stays what it was.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '>' | '[' | ']' | '@' | '#'
        ) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Lead, facts and footer as plain lines.
pub(crate) fn plain(card: &Card) -> String {
    let lead = (!card.lead.is_empty()).then(|| card.lead.clone());
    let facts = card
        .facts
        .iter()
        .map(|(label, value)| format!("{label}: {value}"));
    let lines: Vec<String> = lead
        .into_iter()
        .chain(facts)
        .chain([card.footer.clone()])
        .collect();
    lines.join("\n")
}

/// A sign for those who see no colour.
pub(crate) const fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Down => "🔴",
        Tone::Up => "🟢",
        Tone::Warn => "🟡",
        Tone::Plain => "🔵",
    }
}
