//! Phone numbers in E.164 form (ITU-T E.164).

use std::fmt;

/// A number such as `+4915112345678`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

/// A text that is no international phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a phone number in international form, such as +49 151 12345678")]
pub struct PhoneError;

impl PhoneNumber {
    /// Takes a number with its country code; blanks, dots, dashes and brackets are dropped, a
    /// leading `00` counts as `+`, and `(0)` stands for nothing.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        // "+49 (0)151": the zero is dialled inside the country only.
        let compact: String = text
            .replacen("(0)", "", 1)
            .chars()
            .filter(|c| !" \u{a0}.-()/".contains(*c))
            .collect();
        let digits = compact
            .strip_prefix('+')
            .or_else(|| compact.strip_prefix("00"))
            .ok_or(PhoneError)?;
        let plausible = (8..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if plausible {
            Ok(Self(format!("+{digits}")))
        } else {
            Err(PhoneError)
        }
    }

    /// In E.164 form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number with all but its country code's start and its last three digits hidden.
pub fn masked(number: &str) -> String {
    let count = number.chars().count();
    number
        .chars()
        .enumerate()
        .map(|(i, c)| if i < 3 || i + 3 >= count { c } else { '•' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (typed, number) in [
            ("+49 151 1234-5678", "+4915112345678"),
            ("0049 (151) 12345678", "+4915112345678"),
            ("+1.202.555.0143", "+12025550143"),
            ("+49 (0)151 12345678", "+4915112345678"),
        ] {
            assert_eq!(
                PhoneNumber::parse(typed).unwrap().as_str(),
                typed_number(number)
            );
        }
        for bad in [
            "",
            "015112345678",
            "+0151123456",
            "+49",
            "+49151123456789012",
            "+49 151 CALLME",
            "+49\u{0}15112345678",
        ] {
            assert_eq!(PhoneNumber::parse(bad), Err(PhoneError), "{bad:?}");
        }
        assert_eq!(masked("+4915112345678"), "+49••••••••678");
    }

    fn typed_number(number: &str) -> &str {
        number
    }
}
