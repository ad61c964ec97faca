//! What a target says is made harmless before it is kept for a page that anybody may open.

use serde_json::Value;

/// Characters of one text.
const TEXT: usize = 1_000;
/// Entries of one list: headers, records, names of a certificate.
const LIST: usize = 100;

/// Cuts long texts and long lists, and replaces what changes a text without being seen: control
/// characters, marks that turn the direction of writing, characters without width.
pub fn clean(tree: &mut Value) {
    match tree {
        Value::String(text) if text.len() > TEXT || text.chars().any(is_hidden) => {
            *text = shown(text);
        }
        Value::Array(items) => {
            items.truncate(LIST);
            items.iter_mut().for_each(clean);
        }
        Value::Object(fields) => fields.values_mut().for_each(clean),
        _ => {}
    }
}

fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(TEXT)
        .map(|c| if is_hidden(c) { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(TEXT).is_some() {
        shown.push('…');
    }
    shown
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hostile_texts_are_cut_and_shown_as_they_are() {
        let mut tree = json!({
            "server": "evil\u{1b}[2J\u{202e}gnp\u{0}",
            "long": "a".repeat(5_000),
            "list": vec!["x"; 500],
            "plain": "nginx/1.24 (Ubuntu) ä <b>",
            "n": 5,
        });
        clean(&mut tree);
        assert_eq!(tree["server"], "evil\u{fffd}[2J\u{fffd}gnp\u{fffd}");
        assert_eq!(tree["long"].as_str().unwrap().chars().count(), TEXT + 1);
        assert_eq!(tree["list"].as_array().unwrap().len(), LIST);
        assert_eq!(tree["plain"], "nginx/1.24 (Ubuntu) ä <b>");
    }
}
