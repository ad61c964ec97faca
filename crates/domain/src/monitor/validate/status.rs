//! Expected statuses: `200`, `200-399`, `2xx`.

/// A text that names no statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a status such as 200, 200-399 or 2xx, between 100 and 599")]
pub struct StatusRangeError;

/// The statuses that one text stands for, both ends included.
pub fn parse_status_range(text: &str) -> Result<(u16, u16), StatusRangeError> {
    if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let class = digits(class, 1)?;
        return bounded(class * 100, class * 100 + 99);
    }
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    bounded(digits(low.trim(), 3)?, digits(high.trim(), 3)?)
}

/// All of a list, in its order.
pub fn parse_status_ranges(texts: &[String]) -> Result<Vec<(u16, u16)>, StatusRangeError> {
    texts.iter().map(|text| parse_status_range(text)).collect()
}

fn digits(text: &str, count: usize) -> Result<u16, StatusRangeError> {
    let plain = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if plain {
        text.parse().map_err(|_| StatusRangeError)
    } else {
        Err(StatusRangeError)
    }
}

fn bounded(low: u16, high: u16) -> Result<(u16, u16), StatusRangeError> {
    if low >= 100 && low <= high && high <= 599 {
        Ok((low, high))
    } else {
        Err(StatusRangeError)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("200", Ok((200, 200)))]
    #[case("200-399", Ok((200, 399)))]
    #[case("200 - 204", Ok((200, 204)))]
    #[case("2xx", Ok((200, 299)))]
    #[case("5XX", Ok((500, 599)))]
    #[case("", Err(StatusRangeError))]
    #[case("99", Err(StatusRangeError))]
    #[case("600", Err(StatusRangeError))]
    #[case("6xx", Err(StatusRangeError))]
    #[case("0xx", Err(StatusRangeError))]
    #[case("20x", Err(StatusRangeError))]
    #[case("300-200", Err(StatusRangeError))]
    #[case("200-", Err(StatusRangeError))]
    #[case("200-300-400", Err(StatusRangeError))]
    #[case("+200", Err(StatusRangeError))]
    #[case("２００", Err(StatusRangeError))]
    fn ranges(#[case] text: &str, #[case] range: Result<(u16, u16), StatusRangeError>) {
        assert_eq!(parse_status_range(text), range);
    }

    #[test]
    fn one_bad_text_spoils_the_list() {
        let texts = |list: &[&str]| {
            list.iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            parse_status_ranges(&texts(&["200", "3xx"])),
            Ok(vec![(200, 200), (300, 399)])
        );
        assert!(parse_status_ranges(&texts(&["200", "x"])).is_err());
    }
}
