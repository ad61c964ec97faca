//! Query parameters, strictly: an unknown one is an error, as an unknown field is.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::problem::{ApiResult, Problem};
use crate::state::AppState;
use domain::report::Window;

/// Objects on a page unless asked otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// Objects on a page, at most.
pub const MAX_LIMIT: u32 = 200;

/// The parameters of a request; handlers take out what they know and then [`Self::finish`].
#[derive(Debug, Clone)]
pub struct Params(Vec<(String, String)>);

/// Which page of a list.
#[derive(Debug, Clone)]
pub struct PageOf<C> {
    /// Objects at most.
    pub limit: u32,
    /// Where the last page ended.
    pub cursor: Option<C>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The objects.
    pub data: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

impl Params {
    /// The parameters of a request. One that comes twice, or holds a NUL, is refused.
    pub fn of(parts: &Parts) -> ApiResult<Self> {
        let query = parts.uri.query().unwrap_or_default();
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(Problem::field(
                    &format!("?{name}"),
                    "duplicate",
                    "must be given once",
                ));
            }
            if name.contains('\0') || value.contains('\0') {
                let name = name.replace('\0', "");
                return Err(Problem::field(
                    &format!("?{name}"),
                    "invalid_character",
                    "must not contain NUL characters",
                ));
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// Takes a parameter's text.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let position = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(position).1)
    }

    /// Takes a parameter that must parse.
    pub fn parse<T: FromStr>(&mut self, name: &str) -> ApiResult<Option<T>>
    where
        T::Err: Display,
    {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|error: T::Err| {
            Problem::field(&format!("?{name}"), "invalid", error.to_string())
        })
    }

    /// Takes a parameter that one of our own words stands for.
    pub fn word<T>(
        &mut self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        words: &[&str],
    ) -> ApiResult<Option<T>> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        let unknown = || {
            Problem::field(
                &format!("?{name}"),
                "invalid",
                format!("must be one of {}", words.join(", ")),
            )
        };
        parse(&text).map(Some).ok_or_else(unknown)
    }

    /// Takes `true` or `false`; absent is false.
    pub fn flag(&mut self, name: &str) -> ApiResult<bool> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    /// Takes `true` or `false`.
    pub fn optional_flag(&mut self, name: &str) -> ApiResult<Option<bool>> {
        self.word(name, |text| text.parse().ok(), &["true", "false"])
    }

    /// Takes `limit` and `cursor`.
    pub fn page<C: DeserializeOwned>(&mut self) -> ApiResult<PageOf<C>> {
        let range = || {
            Problem::field(
                "?limit",
                "out_of_range",
                format!("must be between 1 and {MAX_LIMIT}"),
            )
        };
        let limit = match self.take("limit") {
            None => DEFAULT_LIMIT,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MAX_LIMIT).contains(limit))
                .ok_or_else(range)?,
        };
        let unknown = || Problem::field("?cursor", "invalid", "must be a next_cursor of this list");
        let cursor = match self.take("cursor") {
            None => None,
            Some(text) => {
                let bytes = BASE64.decode(text).map_err(|_| unknown())?;
                if bytes.contains(&0) {
                    return Err(unknown());
                }
                Some(serde_json::from_slice(&bytes).map_err(|_| unknown())?)
            }
        };
        Ok(PageOf { limit, cursor })
    }

    /// Takes `from` and `to`: RFC 3339, or a time before now such as `-24h`. The last 24 hours by default.
    pub fn window(&mut self, now: Timestamp) -> ApiResult<Window> {
        let (from, to) = self.range(now)?;
        let to = to.unwrap_or(now);
        let from = from.unwrap_or(to - SignedDuration::from_hours(24));
        if from >= to {
            return Err(Problem::field("?from", "out_of_range", "must be before to"));
        }
        Ok(Window { from, to })
    }

    /// Takes `from` and `to`, each only if given.
    pub fn range(&mut self, now: Timestamp) -> ApiResult<(Option<Timestamp>, Option<Timestamp>)> {
        let mut one = |name: &str| -> ApiResult<Option<Timestamp>> {
            let Some(text) = self.take(name) else {
                return Ok(None);
            };
            let wrong = || {
                Problem::field(
                    &format!("?{name}"),
                    "invalid",
                    "must be a time such as 2026-11-22T14:00:00Z or -24h",
                )
            };
            moment(&text, now).map(Some).ok_or_else(wrong)
        };
        Ok((one("from")?, one("to")?))
    }

    /// Refuses what nobody took.
    pub fn finish(self) -> ApiResult<()> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::field(
                &format!("?{name}"),
                "unknown_parameter",
                "is not a parameter of this request",
            )),
        }
    }
}

/// RFC 3339, or so long before `now`: `-90s`, `-30m`, `-24h`, `-7d`, `-2w`.
fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    let Some(ago) = text.strip_prefix('-') else {
        // A plus in a query is a blank once decoded.
        let at: Timestamp = text.replace(' ', "+").parse().ok()?;
        return (Timestamp::UNIX_EPOCH..now + SignedDuration::from_hours(24 * 366))
            .contains(&at)
            .then_some(at);
    };
    let unit = match ago.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let count: u32 = ago[..ago.len() - 1].parse().ok()?;
    let back = SignedDuration::from_secs(i64::from(count).checked_mul(unit)?);
    now.checked_sub(back)
        .ok()
        .filter(|at| *at >= Timestamp::UNIX_EPOCH)
}

impl<T> Page<T> {
    /// A page whose last object ended at `cursor`, when more may follow.
    pub fn new<C: Serialize>(data: Vec<T>, cursor: Option<C>) -> Self {
        let next_cursor = cursor
            .and_then(|cursor| serde_json::to_vec(&cursor).ok())
            .map(|json| BASE64.encode(json));
        Self { data, next_cursor }
    }
}

/// Cuts one object that was read too many and says where the page ends.
pub fn cut<T, C>(rows: &mut Vec<T>, limit: u32, cursor: impl Fn(&T) -> C) -> Option<C> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last().map(cursor)
}

impl FromRequestParts<AppState> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> ApiResult<Self> {
        Self::of(parts)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn params(query: &str) -> ApiResult<Params> {
        let request = http::Request::builder()
            .uri(format!("/x?{query}"))
            .body(())
            .unwrap();
        Params::of(&request.into_parts().0)
    }

    #[rstest]
    #[case("-24h", Some(1_800_000_000 - 86_400))]
    #[case("-7d", Some(1_800_000_000 - 7 * 86_400))]
    #[case("-90s", Some(1_800_000_000 - 90))]
    #[case("2026-11-22T14:00:00Z", Some(1_795_356_000))]
    #[case("2026-11-22T15:00:00 01:00", Some(1_795_356_000))]
    #[case("-", None)]
    #[case("-h", None)]
    #[case("--1h", None)]
    #[case("-1y", None)]
    #[case("-4000000000d", None)]
    #[case("-4000000w", None)]
    #[case("-1é", None)]
    #[case("yesterday", None)]
    #[case("9999-01-01T00:00:00Z", None)]
    fn moments(#[case] text: &str, #[case] wanted: Option<i64>) {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(moment(text, now).map(Timestamp::as_second), wanted);
    }

    #[rstest]
    #[case("limit=0", "?limit")]
    #[case("limit=201", "?limit")]
    #[case("limit=x", "?limit")]
    #[case("limit=1&limit=2", "?limit")]
    #[case("cursor=%21", "?cursor")]
    #[case("cursor=bnVsbA", "?cursor")]
    #[case("x=%00", "?x")]
    #[case("wrong=1", "?wrong")]
    fn wrong_parameters_are_named(#[case] query: &str, #[case] pointer: &str) {
        let read = || -> ApiResult<()> {
            let mut params = params(query)?;
            params.page::<String>()?;
            params.finish()
        };
        assert_eq!(read().unwrap_err().errors[0].pointer, pointer);
    }

    #[test]
    fn a_cursor_reads_back() {
        let page = Page::new(vec![1], Some(("Shop", 7)));
        let mut params = params(&format!("cursor={}", page.next_cursor.unwrap())).unwrap();
        assert_eq!(
            params.page::<(String, u32)>().unwrap().cursor,
            Some(("Shop".to_owned(), 7))
        );
    }
}
