//! Deploy markers: what people's pipelines say that they changed, and when. What came shortly before an
//! outage is named in its incident; whether it is the cause is for people to say.

use jiff::{SignedDuration, Timestamp};

use crate::ids::EventId;
use crate::maintenance::Targets;
use crate::monitor::validate::{FieldError, check_line};
use crate::words;

/// Characters of a name, at most.
pub const MAX_NAME: usize = 200;
/// Characters of a link, at most.
pub const MAX_URL: usize = 2_048;
/// A change this long before the first failing look is named with it.
pub const BEFORE: SignedDuration = SignedDuration::from_mins(60);
/// So many are named, those nearest to the failure.
pub const NAMED: usize = 3;
/// How far back a marker may lie when it is sent.
const LATE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How far a pipeline's clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerKind {
    /// A version went out.
    Deploy,
    /// Settings were changed: a server's, a firewall's, a DNS record.
    Config,
    /// Anything else.
    Other,
}

impl MarkerKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Deploy, Self::Config, Self::Other];

    /// The stored and sent word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Config => "config",
            Self::Other => "other",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// As a sentence names it.
    const fn noun(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Config => "change",
            Self::Other => "event",
        }
    }
}

/// A change at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Its id.
    pub id: EventId,
    /// What was changed.
    pub kind: MarkerKind,
    /// What its owner calls it, such as a version.
    pub name: String,
    /// Where more is to be read.
    pub url: Option<String>,
    /// Which monitors it may have touched.
    pub targets: Targets,
    /// When it took effect.
    pub at: Timestamp,
    /// When we heard of it.
    pub created_at: Timestamp,
}

impl Marker {
    /// What is wrong with it.
    pub fn validate(&self, now: Timestamp) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = check_line("/name", &self.name, MAX_NAME)
            .err()
            .into_iter()
            .collect();
        errors.extend(self.url.as_deref().and_then(wrong_url));
        errors.extend(self.targets.validate());
        let age = now.duration_since(self.at);
        if age < -AHEAD || age > LATE {
            let message = "must be within the last seven days";
            errors.push(FieldError::new("/at", "out_of_range", message));
        }
        errors
    }

    /// The first failing look came so shortly after it that an incident names it.
    pub fn is_near(&self, first_failure_at: Timestamp) -> bool {
        let before = first_failure_at.duration_since(self.at);
        !before.is_negative() && before <= BEFORE
    }

    /// `Deploy 3f2c, 1 min 11 s before the first failing look`.
    pub fn before(&self, first_failure_at: Timestamp) -> String {
        format!(
            "{}, {} before the first failing look",
            words::capitalised(&self.named()),
            words::duration(first_failure_at.duration_since(self.at))
        )
    }

    /// `deploy 3f2c`.
    pub fn named(&self) -> String {
        format!("{} {}", self.kind.noun(), self.name)
    }
}

fn wrong_url(text: &str) -> Option<FieldError> {
    let wrong = |code, message| Some(FieldError::new("/url", code, message));
    if text.chars().count() > MAX_URL {
        return wrong("too_long", "must have at most 2048 characters");
    }
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => None,
        _ => wrong(
            "invalid",
            "must be an address that begins with https:// or http://",
        ),
    }
}

/// Those that an incident names, the nearest to its first failing look first.
pub fn nearest(mut markers: Vec<Marker>, first_failure_at: Timestamp) -> Vec<Marker> {
    markers.retain(|marker| marker.is_near(first_failure_at));
    markers.sort_by_key(|marker| std::cmp::Reverse((marker.at, marker.id)));
    markers.truncate(NAMED);
    markers
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-22T{text}Z").parse().unwrap()
    }

    fn marker(name: &str, when: &str) -> Marker {
        Marker {
            id: EventId::generate(),
            kind: MarkerKind::Deploy,
            name: name.to_owned(),
            url: None,
            targets: Targets::default(),
            at: at(when),
            created_at: at(when),
        }
    }

    #[test]
    fn the_nearest_before_a_failure_are_named() {
        let markers = [
            "11:59:59", "12:00:00", "12:30:00", "12:59:00", "13:00:00", "13:00:01",
        ]
        .map(|when| marker(when, when));
        let named = nearest(markers.to_vec(), at("13:00:00"));
        let names: Vec<&str> = named.iter().map(|marker| marker.name.as_str()).collect();
        assert_eq!(names, ["13:00:00", "12:59:00", "12:30:00"]);
        let all = nearest(markers[..2].to_vec(), at("13:00:00"));
        assert_eq!(all.len(), 1, "an hour before, and no longer");
    }

    #[test]
    fn it_says_how_long_before() {
        let mut deploy = marker("3f2c", "12:00:00");
        assert_eq!(
            deploy.before(at("12:01:11")),
            "Deploy 3f2c, 1 min 11 s before the first failing look"
        );
        deploy.kind = MarkerKind::Config;
        assert_eq!(
            deploy.before(at("12:00:00")),
            "Change 3f2c, 0 s before the first failing look"
        );
    }

    #[rstest]
    #[case("https://ci.example/runs/1", None)]
    #[case("javascript:alert(1)", Some("/url"))]
    #[case("ci.example", Some("/url"))]
    fn links_are_addresses(#[case] url: &str, #[case] wrong: Option<&str>) {
        let marker = Marker {
            url: Some(url.to_owned()),
            ..marker("3f2c", "12:00:00")
        };
        let errors = marker.validate(at("12:00:00"));
        assert_eq!(errors.first().map(|error| error.pointer.as_str()), wrong);
    }

    #[rstest]
    #[case("2026-11-15T12:00:00Z", true)]
    #[case("2026-11-15T11:59:59Z", false)]
    #[case("2026-11-22T12:05:00Z", true)]
    #[case("2026-11-22T12:05:01Z", false)]
    fn a_time_is_of_these_days(#[case] when: Timestamp, #[case] is_right: bool) {
        let marker = Marker {
            at: when,
            ..marker("3f2c", "12:00:00")
        };
        assert_eq!(marker.validate(at("12:00:00")).is_empty(), is_right);
    }

    #[test]
    fn a_kind_is_its_word() {
        for kind in MarkerKind::ALL {
            assert_eq!(MarkerKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(MarkerKind::parse("deployment"), None);
    }
}
