//! The texts of a page as they stand in it: runs with no tag, entity or line break inside, so that each is
//! found again literally.

use std::borrow::Cow;

use crate::check::HttpFacts;

/// Runs of a page that are read.
const MOST_RUNS: usize = 4_000;
/// Elements whose content is no text of the page.
const UNSEEN: [&str; 12] = [
    "script", "style", "noscript", "template", "textarea", "select", "iframe", "noembed",
    "noframes", "svg", "object", "xmp",
];
/// Names of charsets that are Latin-1 to browsers.
const LATIN1: [&str; 5] = [
    "iso-8859-1",
    "iso8859-1",
    "latin1",
    "windows-1252",
    "us-ascii",
];

/// Entities that part a title.
const DASHES: [&str; 16] = [
    "ndash", "mdash", "middot", "bull", "raquo", "laquo", "rsaquo", "vert", "#8211", "#8212",
    "#8226", "#183", "#187", "#171", "#124", "#x2013",
];

/// The beginning of a page as text, at most `most` bytes of it. What is in no charset that a text is looked
/// for in stays unreadable.
pub(super) fn decoded(http: &HttpFacts, most: usize) -> Cow<'_, str> {
    let bytes = http.body.get(..most).unwrap_or(&http.body);
    match bytes {
        [0xFF, 0xFE, rest @ ..] => return Cow::Owned(utf16(rest, u16::from_le_bytes)),
        [0xFE, 0xFF, rest @ ..] => return Cow::Owned(utf16(rest, u16::from_be_bytes)),
        _ => {}
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        // Cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..error.valid_up_to()])
        }
        Err(_) if is_latin1(http, bytes) => {
            Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect())
        }
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn is_latin1(http: &HttpFacts, bytes: &[u8]) -> bool {
    let header = http.header("content-type").unwrap_or_default();
    let start = String::from_utf8_lossy(bytes.get(..1024).unwrap_or(bytes));
    let named = |text: &str| {
        let text = text.to_ascii_lowercase();
        let name = text
            .split_once("charset=")
            .map(|(_, name)| name.trim_start_matches(['"', '\'']).to_owned());
        name.map(|name| LATIN1.iter().any(|known| name.starts_with(known)))
    };
    named(header).or_else(|| named(&start)).unwrap_or(false)
}

/// The C1 range is that of Windows-1252, as far as texts are looked for in it.
fn windows_1252(byte: u8) -> char {
    match byte {
        0x80 => '€',
        0x84 => '„',
        0x85 => '…',
        0x91 => '‘',
        0x92 => '’',
        0x93 => '“',
        0x94 => '”',
        0x96 => '–',
        0x97 => '—',
        0x99 => '™',
        other if (0x80..=0x9F).contains(&other) => char::REPLACEMENT_CHARACTER,
        other => char::from(other),
    }
}

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Title,
    /// Of the first rank.
    Headline,
    Button,
    Link,
    /// Of another rank.
    Heading,
    /// A line of a page without markup.
    Line,
    Elsewhere,
}

/// A text of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run<'p> {
    pub place: Place,
    pub text: &'p str,
    /// It is all that its element says.
    pub is_whole: bool,
}

/// All texts of a page, in their order.
#[derive(Debug, Default)]
pub(super) struct Reading<'p> {
    pub runs: Vec<Run<'p>>,
    has_title: bool,
    /// The elements that are open, and the first run of each.
    headline: Option<usize>,
    button: Option<usize>,
    link: Option<usize>,
    heading: Option<usize>,
}

impl<'p> Reading<'p> {
    /// Of a page without markup.
    pub(super) fn lines(page: &'p str) -> Self {
        let mut reading = Self::default();
        for line in page.lines() {
            reading.split(line, Place::Line);
        }
        reading
    }

    /// Of a page in HTML. It is read once from front to end; what is never closed hides the rest.
    pub(super) fn html(page: &'p str) -> Self {
        let mut reading = Self::default();
        let mut rest = page;
        while reading.runs.len() < MOST_RUNS {
            let Some((text, markup)) = rest.split_at_checked(rest.find('<').unwrap_or(rest.len()))
            else {
                break;
            };
            reading.split(text, reading.place());
            let Some(after) = reading.markup(markup) else {
                break;
            };
            rest = after;
        }
        reading
    }

    /// All that is visible, a blank between two runs and between two words.
    pub(super) fn visible(&self) -> String {
        let texts: Vec<&str> = self.runs.iter().map(|run| run.text).collect();
        texts.join(" ")
    }

    /// Reads one piece of markup at the beginning of `text`, with what it hides; `None` at the end.
    fn markup(&mut self, text: &'p str) -> Option<&'p str> {
        let inner = text.strip_prefix('<')?;
        if inner.starts_with("!--") {
            // `<!-->` is a whole comment.
            return after(&inner[1..], "-->");
        }
        if inner.starts_with(['!', '?']) {
            return after(inner, ">");
        }
        if let Some(closing) = inner.strip_prefix('/') {
            self.close(name(closing));
            return after(closing, ">");
        }
        let tag = name(inner);
        if tag.is_empty() {
            return Some(inner);
        }
        let rest = after_tag(inner)?;
        if tag.eq_ignore_ascii_case("title") {
            return self.title(rest);
        }
        if UNSEEN.iter().any(|unseen| tag.eq_ignore_ascii_case(unseen)) {
            return end_of(rest, tag).map(|(_, rest)| rest);
        }
        self.open(tag);
        Some(rest)
    }

    /// The first title is the page's; later ones are of drawings.
    fn title(&mut self, text: &'p str) -> Option<&'p str> {
        let (inside, rest) = end_of(text, "title")?;
        if !std::mem::replace(&mut self.has_title, true) {
            self.split(inside, Place::Title);
        }
        Some(rest)
    }

    const fn place(&self) -> Place {
        match self {
            Self {
                headline: Some(_), ..
            } => Place::Headline,
            Self {
                button: Some(_), ..
            } => Place::Button,
            Self { link: Some(_), .. } => Place::Link,
            Self {
                heading: Some(_), ..
            } => Place::Heading,
            _ => Place::Elsewhere,
        }
    }

    fn slot(&mut self, tag: &str) -> Option<&mut Option<usize>> {
        let is = |name: &str| tag.eq_ignore_ascii_case(name);
        if is("h1") {
            Some(&mut self.headline)
        } else if is("button") {
            Some(&mut self.button)
        } else if is("a") {
            Some(&mut self.link)
        } else if is("h2") || is("h3") {
            Some(&mut self.heading)
        } else {
            None
        }
    }

    fn open(&mut self, tag: &str) {
        let first = self.runs.len();
        if let Some(slot) = self.slot(tag) {
            *slot = Some(first);
        }
    }

    fn close(&mut self, tag: &str) {
        let first = self.slot(tag).and_then(Option::take);
        self.end(first);
    }

    /// An element that says more than one run says none of them alone.
    fn end(&mut self, first: Option<usize>) {
        let said = first
            .and_then(|first| self.runs.get_mut(first..))
            .unwrap_or_default();
        if said.len() > 1 {
            said.iter_mut().for_each(|run| run.is_whole = false);
        }
    }

    /// Adds what stands between entities, line breaks and wide gaps. Dashes and the like part a text as
    /// they do where they are written plainly; anything else tears it apart.
    fn split(&mut self, text: &'p str, place: Place) {
        let first = self.runs.len();
        let mut is_torn = false;
        for (count, piece) in text.trim().split('&').enumerate() {
            let (is_dash, piece) = match count {
                0 => (true, piece),
                _ => after_entity(piece),
            };
            is_torn |= !is_dash;
            let odd = |c: char| c != ' ' && (c.is_whitespace() || c.is_control());
            let before = self.runs.len();
            for part in piece.split(odd).flat_map(|part| part.split("  ")) {
                let text = part.trim();
                if !text.is_empty() {
                    let is_whole = true;
                    self.runs.push(Run {
                        place,
                        text,
                        is_whole,
                    });
                }
            }
            is_torn |= self.runs.len() > before + 1;
        }
        if is_torn {
            let torn = self.runs.get_mut(first..).unwrap_or_default();
            torn.iter_mut().for_each(|run| run.is_whole = false);
        }
    }
}

/// What follows the first `end`.
fn after<'p>(text: &'p str, end: &str) -> Option<&'p str> {
    text.split_once(end).map(|(_, rest)| rest)
}

/// The name of a tag at the beginning.
fn name(text: &str) -> &str {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return "";
    }
    let end = text.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>');
    &text[..end.unwrap_or(text.len())]
}

/// What follows the tag that has begun; quoted values may have angle brackets.
fn after_tag(text: &str) -> Option<&str> {
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'>') => return text.get(at + 1..),
            (None, b'"' | b'\'') if before == b'=' => quote = Some(byte),
            (None, _) => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    None
}

/// What is inside an element whose content is not markup, and what follows it.
fn end_of<'p>(text: &'p str, tag: &str) -> Option<(&'p str, &'p str)> {
    let (at, _) = text
        .match_indices("</")
        .find(|(at, _)| name(&text[at + 2..]).eq_ignore_ascii_case(tag))?;
    Some((&text[..at], after(&text[at..], ">")?))
}

/// Whether the entity that has begun is a dash or the like, and what follows it. An ampersand that begins no
/// entity is a sign of its own.
fn after_entity(text: &str) -> (bool, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '#');
    match end {
        Some(end) if end > 0 && text[end..].starts_with(';') => {
            (DASHES.contains(&&text[..end]), &text[end + 1..])
        }
        _ => (false, text),
    }
}
