//! Bytes written as text: `\\r`, `\\n`, `\\t`, `\\0`, `\\\\` and `\\xHH`; everything else is itself in UTF-8.

/// A backslash that begins none of the escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must use \\ only in \\r \\n \\t \\0 \\\\ \\xHH (wrong at character {0})")]
pub struct EscapeError(pub usize);

/// The bytes that a text stands for.
pub fn bytes(text: &str) -> Result<Vec<u8>, EscapeError> {
    let mut out = Vec::with_capacity(text.len());
    let mut characters = text.chars().enumerate();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let wrong = EscapeError(at);
        out.push(match characters.next().ok_or(wrong)?.1 {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '0' => 0,
            '\\' => b'\\',
            'x' => {
                let mut digit = || characters.next()?.1.to_digit(16);
                let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
                value
                    .and_then(|value| u8::try_from(value).ok())
                    .ok_or(wrong)?
            }
            _ => return Err(wrong),
        });
    }
    Ok(out)
}

/// Bytes as people read them in a message: printable ASCII, the rest as escapes; at most `most`
/// bytes of them.
pub fn shown(bytes: &[u8], most: usize) -> String {
    let cut = bytes.get(..most).unwrap_or(bytes);
    let mut out = String::new();
    for byte in cut {
        match byte {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            b' '..=b'~' => out.push(char::from(*byte)),
            other => out.push_str(&format!("\\x{other:02x}")),
        }
    }
    if cut.len() < bytes.len() {
        out.push_str("...");
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("PING\\r\\n", b"PING\r\n")]
    #[case(r"\x00\xfF\0\t\\", b"\x00\xff\0\t\\")]
    #[case("é", "é".as_bytes())]
    #[case("a\nb", b"a\nb")]
    fn escapes(#[case] text: &str, #[case] wanted: &[u8]) {
        assert_eq!(bytes(text).unwrap(), wanted);
    }

    #[rstest]
    #[case("a\\", 1)]
    #[case(r"\q", 0)]
    #[case(r"ab\x4", 2)]
    #[case(r"\xgg", 0)]
    fn refused(#[case] text: &str, #[case] at: usize) {
        assert_eq!(bytes(text), Err(EscapeError(at)));
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(raw: Vec<u8>) {
            prop_assume!(!raw.contains(&b'\\'));
            prop_assert_eq!(bytes(&shown(&raw, usize::MAX)).unwrap(), raw);
        }
    }
}
