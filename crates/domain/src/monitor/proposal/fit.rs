//! Which texts are worth asking for: short, and the same tomorrow.

use std::collections::{HashMap, HashSet};

use super::texts::{Place, Reading, Run};

/// Characters of a text that is worth asking for.
const LEAST: usize = 8;
const LONGEST: usize = 40;
/// Letters among them.
const LETTERS: usize = 6;
/// Words of a link, a button or a lesser headline: more of them are the title of something that comes and goes.
const FEW_WORDS: usize = 4;
/// A longer word of ASCII letters is a token.
const LONGEST_WORD: usize = 20;
/// What stands between the parts of a title.
const SEPARATORS: [&str; 12] = [
    " | ", " - ", " – ", " — ", " · ", " • ", " :: ", " » ", " › ", " / ", ": ", " ~ ",
];

/// Words of days, hours, months, offers and states: a text with one of them may be another tomorrow, or is no
/// word of the site itself.
const PASSING: &str = "
monday tuesday wednesday thursday friday saturday sunday
january february march april may june july august september october november december
today tomorrow tonight yesterday morning afternoon evening midnight weekend now ago
montag dienstag mittwoch donnerstag freitag samstag sonntag
januar februar märz mai juni juli oktober dezember heute gestern morgen abend mittag guten
lundi mardi mercredi jeudi vendredi samedi dimanche
janvier février mars avril juin juillet août septembre octobre novembre décembre
aujourd demain hier bonjour bonsoir matin soir
lunes martes miércoles jueves viernes sábado domingo
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
hoy mañana ayer buenos buenas tardes noches
lunedì martedì mercoledì giovedì venerdì sabato domenica
gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
oggi domani ieri buongiorno buonasera
maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
januari februari maart mei augustus vandaag gisteren goedemorgen goedemiddag goedenavond
segunda terça quarta quinta sexta janeiro fevereiro março maio junho julho setembro outubro dezembro
hoje amanhã ontem
sale sales deal deals offer offers discount christmas easter halloween angebot angebote rabatt weihnachten ostern
soldes promo promotion promotions oferta ofertas saldi sconti aanbieding aanbiedingen
breaking latest trending live newest left sold stock
cookie cookies consent einwilligung captcha robot javascript browser loading undefined null nan
error errors fehler erreur maintenance wartung unavailable forbidden denied suspended parked
copyright";

/// How good a place is; less is better.
fn rank(place: Place, is_repeated: bool) -> u8 {
    match (place, is_repeated) {
        (Place::Title, _) => 0,
        (Place::Headline | Place::Line, _) => 1,
        // What is there for each of many things stays when the things change.
        (Place::Button | Place::Link, true) => 3,
        (Place::Button, false) => 4,
        (Place::Link, false) => 5,
        (Place::Heading, _) => 6,
        (Place::Elsewhere, _) => 9,
    }
}

/// A long title that was cut comes after whole titles and headlines.
const CUT: u8 = 2;
/// What is a part of what its element says comes after what is whole.
const PART: u8 = 10;

/// The texts of a page that are worth asking for, best first.
pub(super) fn best(reading: &Reading<'_>) -> Vec<String> {
    let passing: HashSet<&str> = PASSING.split_whitespace().collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for run in reading.runs.iter().filter(|run| is_pressed(run)) {
        *counts.entry(run.text).or_default() += 1;
    }
    let mut found: Vec<(u8, usize, &str)> = Vec::new();
    for run in reading
        .runs
        .iter()
        .filter(|run| run.place != Place::Elsewhere)
    {
        let is_repeated = is_pressed(run) && counts.get(run.text).is_some_and(|count| *count > 1);
        let base = rank(run.place, is_repeated) + if run.is_whole { 0 } else { PART };
        for part in parts(run) {
            let cut = shortened(part, run.place);
            let (rank, text) = match cut {
                Some(text) if text.len() < part.len() => (base.max(CUT), text),
                Some(text) => (base, text),
                None => continue,
            };
            if is_fit(text, run.place, &passing) {
                found.push((rank, text.chars().count(), text));
            }
        }
    }
    // Of the parts of a title the longest says most; elsewhere the first counts.
    found.sort_by_key(|(rank, length, _)| {
        (
            *rank,
            if *rank % PART == 0 {
                LONGEST - length
            } else {
                0
            },
        )
    });
    let mut seen = HashSet::new();
    found.retain(|(_, _, text)| seen.insert(*text));
    found
        .into_iter()
        .map(|(_, _, text)| text.to_owned())
        .collect()
}

fn is_pressed(run: &Run<'_>) -> bool {
    matches!(run.place, Place::Button | Place::Link)
}

fn parts<'p>(run: &Run<'p>) -> Vec<&'p str> {
    let mut parts = vec![run.text];
    if matches!(run.place, Place::Title | Place::Headline) {
        for separator in SEPARATORS {
            parts = parts
                .iter()
                .flat_map(|part| part.split(separator))
                .collect();
        }
    }
    let trimmed = |part: &'p str| part.trim_matches(|c: char| !c.is_alphabetic() && !is_mark(c));
    parts.into_iter().map(trimmed).collect()
}

/// The first words of a title that is too long; of anything else nothing.
fn shortened(text: &str, place: Place) -> Option<&str> {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else {
        return Some(text);
    };
    if place != Place::Title {
        return None;
    }
    // The word that the limit falls into is left out, and small words before it.
    let (front, rest) = text.split_at_checked(end)?;
    let mut kept = match rest.starts_with(' ') {
        true => front,
        false => front.rsplit_once(' ')?.0,
    };
    while let Some((front, last)) = kept.rsplit_once(' ') {
        if last.chars().filter(|c| c.is_alphabetic()).count() > 3 {
            break;
        }
        kept = front;
    }
    Some(kept.trim_end_matches([',', '.', '-', '!', '?']))
}

fn is_fit(text: &str, place: Place, passing: &HashSet<&str>) -> bool {
    let length = text.chars().count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_short = match place {
        Place::Button | Place::Link | Place::Heading => text.split(' ').count() <= FEW_WORDS,
        _ => true,
    };
    (LEAST..=LONGEST).contains(&length)
        && letters >= LETTERS
        && is_short
        && text.chars().all(is_plain)
        && !words(text)
            .any(|word| looks_like_token(word) || passing.contains(word.to_lowercase().as_str()))
}

/// Letters, and what stands between them in a phrase: no figures, no currencies, no templates, and nothing that
/// is not seen.
fn is_plain(c: char) -> bool {
    c.is_alphabetic()
        || is_mark(c)
        || matches!(c, ' ' | '-' | '\'' | '’' | ',' | '.' | '!' | '?' | '…')
}

/// Signs that belong to a letter: accents, and vowels of the scripts of India and Thailand.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{900}'..='\u{DFF}' | '\u{E00}'..='\u{E7F}')
        && !c.is_ascii_digit()
        && !matches!(
            c,
            '\u{966}'..='\u{96F}' | '\u{9E6}'..='\u{9EF}' | '\u{A66}'..='\u{A6F}' | '\u{AE6}'..='\u{AEF}' | '\u{B66}'..='\u{B6F}'
                | '\u{BE6}'..='\u{BF2}' | '\u{C66}'..='\u{C6F}' | '\u{CE6}'..='\u{CEF}' | '\u{D66}'..='\u{D6F}' | '\u{E3F}' | '\u{E50}'..='\u{E59}'
        )
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_mark(c))
        .filter(|word| !word.is_empty())
}

fn looks_like_token(word: &str) -> bool {
    if !word.is_ascii() {
        return false;
    }
    let bytes = word.as_bytes();
    let turns = bytes
        .windows(2)
        .filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    let has_vowel = bytes.iter().any(|byte| b"aeiouyAEIOUY".contains(byte));
    word.len() > LONGEST_WORD || turns.count() > 2 || word.len() > 6 && !has_vowel
}
