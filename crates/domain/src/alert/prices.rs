//! What a text message and a call cost, by country. An operator may replace the table; a country that is
//! not in it is refused, since a price nobody named is a bill nobody expects.

use crate::contact::Channel;

/// Prices by the first digits of a number, longest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    rows: Vec<Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    prefix: String,
    country: String,
    /// `None`: refused although a shorter prefix has a price.
    sms_micros: Option<i64>,
    /// `None`: nobody is called there.
    call_micros: Option<i64>,
}

/// What one segment or one call to a number costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// Two letters, ISO 3166.
    pub country: String,
    /// Millionths of a US dollar.
    pub micros: i64,
}

/// A line of the table that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line} of the price table is not `+PREFIX COUNTRY SMS CALL`, such as `+49 DE 0.0800 0.1000`, `+49 DE 0.0800` where calls are not offered, or `+1876 JM refused`"
)]
pub struct PriceError {
    /// Counted from 1.
    pub line: usize,
}

impl Default for Prices {
    fn default() -> Self {
        Self::parse(include_str!("prices.txt")).unwrap_or(Self { rows: Vec::new() })
    }
}

impl Prices {
    /// Reads a table: one `+PREFIX COUNTRY DOLLARS-A-TEXT DOLLARS-A-CALL` a line, the last may be left out;
    /// `#` begins a remark.
    pub fn parse(table: &str) -> Result<Self, PriceError> {
        let mut rows = Vec::new();
        for (index, line) in table.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            rows.push(row(line).ok_or(PriceError { line: index + 1 })?);
        }
        rows.sort_by_key(|row: &Row| std::cmp::Reverse(row.prefix.len()));
        Ok(Self { rows })
    }

    /// The price of one segment to `number` (E.164); `None` when its country is not served.
    pub fn sms(&self, number: &str) -> Option<Price> {
        let row = self.row(number)?;
        Some(Price {
            country: row.country.clone(),
            micros: row.sms_micros?,
        })
    }

    /// The price of one call of up to a minute to `number` (E.164); `None` when nobody is called there.
    pub fn call(&self, number: &str) -> Option<Price> {
        let row = self.row(number)?;
        Some(Price {
            country: row.country.clone(),
            micros: row.call_micros?,
        })
    }

    /// The price of one message of `channel` to `number`; `None` also for channels that cost nothing.
    pub fn of(&self, channel: Channel, number: &str) -> Option<Price> {
        match channel {
            Channel::Sms => self.sms(number),
            Channel::Voice => self.call(number),
            _ => None,
        }
    }

    fn row(&self, number: &str) -> Option<&Row> {
        self.rows.iter().find(|row| number.starts_with(&row.prefix))
    }
}

fn row(line: &str) -> Option<Row> {
    let mut words = line.split_whitespace();
    let (prefix, country, price) = (words.next()?, words.next()?, words.next()?);
    let digits = prefix.strip_prefix('+')?;
    let call_micros = match words.next() {
        Some(price) => price_or_refused(price)?,
        None => None,
    };
    let shaped =
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) && words.next().is_none();
    let sms_micros = price_or_refused(price)?;
    shaped.then(|| Row {
        prefix: prefix.to_owned(),
        country: country.to_owned(),
        sms_micros,
        call_micros,
    })
}

fn price_or_refused(word: &str) -> Option<Option<i64>> {
    match word {
        "refused" => Some(None),
        price => micros(price).map(Some),
    }
}

/// Millionths from a decimal number; `None` for anything else, negative ones included.
pub fn micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 6 {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<6}").parse().ok()?;
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000)?
        .checked_add(fraction)
}

/// `0.08`: dollars from millionths, two decimals or as many as it takes.
pub fn amount(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let mut fraction = format!("{:06}", micros % 1_000_000);
    while fraction.len() > 2 && fraction.ends_with('0') {
        fraction.pop();
    }
    format!("{sign}{}.{fraction}", micros / 1_000_000)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("+12025550143", Some(("US", 10_000)))]
    #[case("+4915112345678", Some(("DE", 80_000)))]
    #[case("+18765550143", None)]
    #[case("+8816123456789", None)]
    #[case("+447700900123", Some(("GB", 50_000)))]
    fn by_the_longest_prefix(#[case] number: &str, #[case] wanted: Option<(&str, i64)>) {
        let price = Prices::default().sms(number);
        assert_eq!(
            price
                .as_ref()
                .map(|price| (price.country.as_str(), price.micros)),
            wanted
        );
    }

    #[test]
    fn calls_have_prices_of_their_own() {
        let prices = Prices::parse("+49 DE 0.08 0.10\n+33 FR 0.08\n+1876 JM refused").unwrap();
        let call = |number| prices.call(number).map(|price| price.micros);
        assert_eq!(call("+4915112345678"), Some(100_000));
        assert_eq!(call("+33612345678"), None);
        assert_eq!(call("+18765550143"), None);
        let of = |channel| {
            prices
                .of(channel, "+4915112345678")
                .map(|price| price.micros)
        };
        assert_eq!(
            [of(Channel::Sms), of(Channel::Voice), of(Channel::Email)],
            [Some(80_000), Some(100_000), None]
        );
        assert!(Prices::default().call("+4915112345678").is_some());
    }

    #[test]
    fn the_built_in_table_reads() {
        assert!(
            Prices::parse(include_str!("prices.txt"))
                .unwrap()
                .rows
                .len()
                > 60
        );
    }

    #[test]
    fn a_bad_line_is_named() {
        for bad in [
            "+49 DE",
            "49 DE 0.08",
            "+49 DE -1",
            "+49 DE 0.1234567",
            "+ DE 0.1",
            "+49 DE 0.08 x",
            "+49 DE 0.08 0.10 0.10",
        ] {
            assert_eq!(
                Prices::parse(&format!("# ok\n{bad}")),
                Err(PriceError { line: 2 }),
                "{bad}"
            );
        }
    }

    #[test]
    fn amounts() {
        assert_eq!(
            [amount(80_000), amount(7_500), amount(-1_500_000), amount(0)],
            ["0.08", "0.0075", "-1.50", "0.00"]
        );
        assert_eq!(
            [micros("10"), micros("0.0075"), micros("x"), micros("")],
            [Some(10_000_000), Some(7_500), None, None]
        );
    }
}
