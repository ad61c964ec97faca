//! The GSM 03.38 alphabet: what a text message of one segment may hold, and how other letters are
//! brought into it.

/// Septets of one segment.
pub const SEGMENT: usize = 160;

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "^{}\\[~]|€";

/// How many septets `c` takes; `None` when the alphabet does not have it.
pub fn septets(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// The length of `text` in septets; a foreign character counts as one `?`.
pub fn length(text: &str) -> usize {
    text.chars().map(|c| septets(c).unwrap_or(1)).sum()
}

/// `text` in the alphabet, on one line: known letters are transliterated, invisible ones dropped,
/// runs of others become one `?`, runs of blanks one blank.
pub fn fit(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            push_once(&mut out, ' ');
        } else if c.is_control() || is_invisible(c) {
            continue;
        } else if septets(c).is_some() {
            out.push(c);
        } else if let Some(latin) = transliterate(c) {
            out.push_str(latin);
        } else {
            push_once(&mut out, '?');
        }
    }
    out.trim().to_owned()
}

fn push_once(out: &mut String, c: char) {
    if !out.ends_with(c) {
        out.push(c);
    }
}

/// Joiners, marks of direction, variation selectors, the byte order mark, combining accents.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{300}'..='\u{36f}')
}

fn transliterate(c: char) -> Option<&'static str> {
    LETTERS
        .iter()
        .find(|(letters, _)| letters.contains(c))
        .map(|(_, latin)| *latin)
}

const LETTERS: &[(&str, &str)] = &[
    ("áâãāăąǎ", "a"),
    ("ÀÁÂÃĀĂĄ", "A"),
    ("çćĉċč", "c"),
    ("ĆĈĊČ", "C"),
    ("ďđð", "d"),
    ("ĎĐÐ", "D"),
    ("êëēĕėęě", "e"),
    ("ÈÊËĒĔĖĘĚ", "E"),
    ("ĝğġģ", "g"),
    ("ĜĞĠĢ", "G"),
    ("ĥħ", "h"),
    ("ĤĦ", "H"),
    ("íîïĩīĭįı", "i"),
    ("ÌÍÎÏĨĪĬĮİ", "I"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("Ķ", "K"),
    ("ĺļľŀł", "l"),
    ("ĹĻĽĿŁ", "L"),
    ("ńņňŋ", "n"),
    ("ŃŅŇŊ", "N"),
    ("óôõōŏő", "o"),
    ("ÒÓÔÕŌŎŐ", "O"),
    ("ŕŗř", "r"),
    ("ŔŖŘ", "R"),
    ("śŝşšș", "s"),
    ("ŚŜŞŠȘ", "S"),
    ("ţťŧț", "t"),
    ("ŢŤŦȚ", "T"),
    ("úûũūŭůűų", "u"),
    ("ÙÚÛŨŪŬŮŰŲ", "U"),
    ("ŵ", "w"),
    ("Ŵ", "W"),
    ("ýÿŷ", "y"),
    ("ÝŶŸ", "Y"),
    ("źżž", "z"),
    ("ŹŻŽ", "Z"),
    ("œ", "oe"),
    ("Œ", "OE"),
    ("ẞ", "SS"),
    ("þ", "th"),
    ("Þ", "Th"),
    ("‘’‚‛′`´", "'"),
    ("“”„‟″«»", "\""),
    ("‐‑‒–—―−", "-"),
    ("…", "..."),
    ("•·", "-"),
    ("×", "x"),
    ("©", "(c)"),
    ("®", "(r)"),
    ("™", "(tm)"),
    ("°", "o"),
    ("а", "a"),
    ("б", "b"),
    ("в", "v"),
    ("гґ", "g"),
    ("д", "d"),
    ("еёэє", "e"),
    ("ж", "zh"),
    ("з", "z"),
    ("иіы", "i"),
    ("йї", "y"),
    ("к", "k"),
    ("л", "l"),
    ("м", "m"),
    ("н", "n"),
    ("о", "o"),
    ("п", "p"),
    ("р", "r"),
    ("с", "s"),
    ("т", "t"),
    ("у", "u"),
    ("ф", "f"),
    ("х", "kh"),
    ("ц", "ts"),
    ("ч", "ch"),
    ("ш", "sh"),
    ("щ", "shch"),
    ("ъь", ""),
    ("ю", "yu"),
    ("я", "ya"),
    ("А", "A"),
    ("Б", "B"),
    ("В", "V"),
    ("ГҐ", "G"),
    ("Д", "D"),
    ("ЕЁЭЄ", "E"),
    ("Ж", "Zh"),
    ("З", "Z"),
    ("ИІЫ", "I"),
    ("ЙЇ", "Y"),
    ("К", "K"),
    ("Л", "L"),
    ("М", "M"),
    ("Н", "N"),
    ("О", "O"),
    ("П", "P"),
    ("Р", "R"),
    ("С", "S"),
    ("Т", "T"),
    ("У", "U"),
    ("Ф", "F"),
    ("Х", "Kh"),
    ("Ц", "Ts"),
    ("Ч", "Ch"),
    ("Ш", "Sh"),
    ("Щ", "Shch"),
    ("ЪЬ", ""),
    ("Ю", "Yu"),
    ("Я", "Ya"),
];

/// `text` in printable ASCII on one line, for subjects of mails and for what may be read anywhere.
pub fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in fit(text).chars() {
        match c {
            ' '..='~' => out.push(c),
            _ => match ASCII.iter().find(|(letters, _)| letters.contains(c)) {
                Some((_, latin)) => out.push_str(latin),
                None => push_once(&mut out, '?'),
            },
        }
    }
    out
}

/// Letters of the GSM alphabet that ASCII lacks.
const ASCII: &[(&str, &str)] = &[
    ("à", "a"),
    ("å", "aa"),
    ("Å", "Aa"),
    ("ä", "ae"),
    ("Ä", "Ae"),
    ("æ", "ae"),
    ("Æ", "AE"),
    ("Ç", "C"),
    ("éè", "e"),
    ("É", "E"),
    ("ì", "i"),
    ("ñ", "n"),
    ("Ñ", "N"),
    ("ò", "o"),
    ("ö", "oe"),
    ("Ö", "Oe"),
    ("ø", "oe"),
    ("Ø", "Oe"),
    ("ß", "ss"),
    ("ù", "u"),
    ("ü", "ue"),
    ("Ü", "Ue"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("§", "par."),
];

/// The first `limit` characters of `text` (already in the alphabet), without a blank at the end.
pub fn cut(text: &str, limit: usize) -> &str {
    match text.char_indices().nth(limit) {
        Some((end, _)) => text[..end].trim_end(),
        None => text,
    }
}

/// `text` cut at a word so that it takes at most `limit` septets; empty when no word fits.
pub fn cut_at_word(text: &str, limit: usize) -> &str {
    if length(text) <= limit {
        return text;
    }
    let fits = text
        .match_indices(' ')
        .map(|(at, _)| &text[..at])
        .take_while(|head| length(head) <= limit);
    fits.last()
        .unwrap_or_default()
        .trim_end_matches([' ', ',', '.', ';', ':', '('])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_alphabet_has_its_size() {
        // 128 code points less the escape.
        assert_eq!(BASIC.chars().count(), 127);
        assert_eq!(EXTENSION.chars().count(), 9);
    }

    #[rstest]
    #[case("Bäckerei Müller", "Bäckerei Müller")]
    #[case("Café Łódź", "Café Lodz")]
    #[case("Магазин", "Magazin")]
    #[case("“Shop” – now…", "\"Shop\" - now...")]
    #[case("Shop 🚒🚒 x", "Shop ? x")]
    #[case("a\u{202e}b\u{200d}c\0d\r\n e", "abcd e")]
    #[case("商店", "?")]
    fn letters(#[case] text: &str, #[case] fitted: &str) {
        assert_eq!(fit(text), fitted);
    }

    #[test]
    fn plain_ascii() {
        assert_eq!(
            ascii("Bäckerei Müller – 10 €\r\nBcc: x"),
            "Baeckerei Mueller - 10 EUR Bcc: x"
        );
        assert_eq!(ascii("商店 Δ"), "? ?");
    }

    #[test]
    fn cutting() {
        assert_eq!(cut("Shop checkout", 5), "Shop");
        assert_eq!(
            cut_at_word("Error 502 from your server", 15),
            "Error 502 from"
        );
        assert_eq!(cut_at_word("Supercalifragilistic", 5), "");
        assert_eq!((length("a€b"), length("[x]")), (4, 5));
    }

    proptest! {
        #[test]
        fn ascii_is_printable_ascii(text in any::<String>()) {
            prop_assert!(ascii(&text).bytes().all(|b| (b' '..=b'~').contains(&b)));
        }

        #[test]
        fn whatever_comes_in_fits_the_alphabet(text in any::<String>()) {
            prop_assert!(fit(&text).chars().all(|c| septets(c).is_some() && c != '\n' && c != '\r'));
        }
    }
}
