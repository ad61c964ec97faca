//! The server behind a monitor.

use domain::origin::{Standing, State, file_url, record_name};
use domain::target::{AddressPolicy, Origin};
use domain::words;
use jiff::tz::TimeZone;
use store::origins::Stored;

use super::Facts;
use crate::view::Moment;

/// The server behind a monitor, how it is proven, and how it was last.
pub struct OriginView {
    pub name: String,
    pub token: String,
    /// Name of the record that proves it; an address has none.
    pub record: Option<String>,
    pub file: String,
    pub is_proven: bool,
    /// When the proof was last seen, and what it was.
    pub proven: Option<(Moment, &'static str)>,
    pub asked: Option<Moment>,
    /// Why it was not found then.
    pub why: Option<String>,
    pub looked: Option<Moment>,
    /// What that look met, and since when.
    pub failing: Option<(String, Moment)>,
    /// It fails for long while a cache serves: that is worth a notice.
    pub is_behind: bool,
    /// It refuses strangers, or never answered us: its failure says little.
    pub is_closed: bool,
}

pub(super) fn shown(facts: &Facts, zone: &TimeZone) -> Option<OriginView> {
    let (stored, token) = facts.origin.as_ref()?;
    OriginView::of(stored, token, zone)
}

impl OriginView {
    fn of(stored: &Stored, token: &str, zone: &TimeZone) -> Option<Self> {
        let origin = Origin::parse(&stored.origin, AddressPolicy::SelfHosted).ok()?;
        let standing = &stored.standing;
        let moment = |at| Moment::new(at, zone.clone());
        let failure = standing.failure.as_ref();
        Some(Self {
            name: stored.origin.clone(),
            token: token.to_owned(),
            record: record_name(&origin),
            file: file_url(&origin),
            is_proven: standing.state == State::Proven,
            proven: standing.proven.map(|(at, how)| (moment(at), words_of(how))),
            asked: standing.asked_at.map(moment),
            why: standing.why.clone(),
            looked: standing.looked_at.map(moment),
            failing: failure
                .zip(standing.failing_since)
                .map(|(failure, since)| (words::cause(failure, None), moment(since))),
            is_behind: standing.is_failing(),
            is_closed: is_closed(standing),
        })
    }
}

const fn words_of(how: domain::origin::How) -> &'static str {
    match how {
        domain::origin::How::Dns => "TXT record",
        domain::origin::How::File => "file",
    }
}

fn is_closed(standing: &Standing) -> bool {
    standing.failure.is_some() && (standing.refuses() || standing.well_at.is_none())
}
