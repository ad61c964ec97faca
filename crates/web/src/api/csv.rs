//! Lists as CSV (RFC 4180), for those who say `Accept: text/csv`.

use std::cmp::Reverse;

use axum::response::IntoResponse;
use http::{HeaderMap, HeaderValue, header};

use super::problem::{ApiResult, Problem};

/// The client prefers CSV to JSON (RFC 9110, section 12.5.1): by quality, then by how exactly it is
/// named, then by what comes first.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted: Vec<(String, f32)> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(range)
        .collect();
    let rank = |names: [&str; 3]| {
        names.iter().enumerate().find_map(|(i, name)| {
            let at = accepted.iter().position(|(kind, _)| kind == name)?;
            Some((accepted[at].1, Reverse(i), Reverse(at)))
        })
    };
    let csv = rank(["text/csv", "text/*", "*/*"]);
    let json = rank(["application/json", "application/*", "*/*"]);
    csv.is_some_and(|csv| csv.0 > 0.0 && json.is_none_or(|json| csv > json))
}

/// A kind in small letters and its quality.
fn range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let quality = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value)
    });
    let quality = quality.map_or(Some(1.0), |text| text.trim().parse().ok());
    (kind, quality.unwrap_or(0.0))
}

/// A table. Cells that a spreadsheet would run as a formula begin with an apostrophe. The cursor of the
/// next page is in the header `Next-Cursor`.
pub fn answer<R>(columns: &[&str], rows: R, next_cursor: Option<&str>) -> ApiResult
where
    R: IntoIterator<Item = Vec<String>>,
{
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(columns)
        .map_err(|error| Problem::internal(&error))?;
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| safe(cell)))
            .map_err(|error| Problem::internal(&error))?;
    }
    let text = writer
        .into_inner()
        .map_err(|error| Problem::internal(error.error()))?;
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    if let Some(cursor) = next_cursor.and_then(|cursor| HeaderValue::from_str(cursor).ok()) {
        headers.insert("next-cursor", cursor);
    }
    Ok(response)
}

fn safe(cell: &str) -> String {
    let runs = cell.starts_with(['=', '+', '@', '\t', '\r'])
        || (cell.starts_with('-') && cell.parse::<f64>().is_err());
    if runs {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("text/csv", true)]
    #[case("Text/CSV; charset=utf-8", true)]
    #[case("text/csv;q=1, application/json", true)]
    #[case("image/png, text/csv", true)]
    #[case("application/json;q=0.5, text/csv", true)]
    #[case("application/json; q=0.5, text/csv; q=0.8", true)]
    #[case("text/csv, */*", true)]
    #[case("*/*, text/csv", true)]
    #[case("text/*, application/json;q=0.9", true)]
    #[case("text/csv;q=0.5, */*;q=0.1", true)]
    #[case("*/*", false)]
    #[case("application/json, text/csv", false)]
    #[case("text/csv;q=0.5, application/json", false)]
    #[case("text/csv;q=0", false)]
    #[case("text/csv;q=0, */*", false)]
    #[case("text/csv;q=0.5, */*", false)]
    #[case("text/csv;q=many", false)]
    #[case(
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        false
    )]
    #[case("", false)]
    fn the_preferred_kind_is_sent(#[case] accept: &str, #[case] csv: bool) {
        let headers = [(header::ACCEPT, accept.parse().unwrap())];
        assert_eq!(is_wanted(&headers.into_iter().collect()), csv);
    }

    #[test]
    fn without_a_wish_it_is_json() {
        assert!(!is_wanted(&HeaderMap::new()));
    }

    #[test]
    fn formulas_stay_text() {
        assert_eq!(safe("=1+1"), "'=1+1");
        assert_eq!(safe("-1.5"), "-1.5");
        assert_eq!(safe("-cmd"), "'-cmd");
        assert_eq!(safe("Shop"), "Shop");
    }
}
