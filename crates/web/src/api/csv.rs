//! Lists as CSV (RFC 4180), for those who say `Accept: text/csv`.

use axum::response::IntoResponse;
use http::{HeaderMap, HeaderValue, header};

use super::problem::{ApiResult, Problem};

/// The client prefers CSV to JSON.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepted
        .flat_map(|value| value.split(','))
        .map(|kind| kind.split(';').next().unwrap_or_default().trim())
        .find(|kind| matches!(*kind, "text/csv" | "application/json"))
        == Some("text/csv")
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
    use super::*;

    #[test]
    fn the_first_known_kind_decides() {
        let wants = |accept: &str| {
            is_wanted(
                &[(header::ACCEPT, accept.parse().unwrap())]
                    .into_iter()
                    .collect(),
            )
        };
        assert!(
            wants("text/csv")
                && wants("text/csv;q=1, application/json")
                && wants("image/png, text/csv")
        );
        assert!(
            !wants("*/*") && !wants("application/json, text/csv") && !is_wanted(&HeaderMap::new())
        );
    }

    #[test]
    fn formulas_stay_text() {
        assert_eq!(safe("=1+1"), "'=1+1");
        assert_eq!(safe("-1.5"), "-1.5");
        assert_eq!(safe("-cmd"), "'-cmd");
        assert_eq!(safe("Shop"), "Shop");
    }
}
