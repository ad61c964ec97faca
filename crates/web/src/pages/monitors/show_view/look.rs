//! One look, with all its parts or as a row of the table.

use domain::check::{Check, LookResult, VerdictKind};
use domain::status::{Observed, Shown};
use domain::words;
use jiff::tz::TimeZone;

use super::seen::{self, Group};
use crate::charts::{PhaseBar, phase_bar, phase_legend};
use crate::pages::monitors::parts::StatusLine;
use crate::view::Moment;

/// One look with its parts.
pub struct LookView {
    pub status: StatusLine,
    pub is_good: bool,
    pub at: Moment,
    pub sentence: String,
    pub bar: String,
    pub legend: String,
    pub total: String,
    pub http_status: Option<u16>,
    pub address: Option<String>,
    pub region: String,
    /// What the server told, for kinds without pages: label and text.
    pub told: Vec<(String, String)>,
    pub steps: Vec<(String, Option<String>)>,
    /// The page about its failure.
    pub guide: Option<String>,
    /// Everything it saw, part by part.
    pub groups: Vec<Group>,
    /// Status line and headers of a page.
    pub answer: Option<String>,
    /// The beginning of the page.
    pub excerpt: Option<String>,
}

impl LookView {
    /// A look that is kept.
    pub fn of_check(check: &Check, zone: &TimeZone) -> Self {
        let bar = PhaseBar::of(
            &check.phases,
            check.failure.as_ref().map(|failure| failure.phase),
        );
        let cause = check
            .failure
            .as_ref()
            .map(|failure| words::cause_sentence_case(failure, check.attribution));
        Self {
            status: verdict_line(check.verdict),
            is_good: check.verdict == VerdictKind::Up,
            at: Moment::new(check.at, zone.clone()),
            sentence: cause.map_or_else(|| good_sentence(check), |cause| format!("{cause}.")),
            bar: if bar.parts().is_empty() {
                String::new()
            } else {
                phase_bar(&bar)
            },
            legend: phase_legend(&bar),
            total: words::milliseconds(check.total_us),
            http_status: check.http_status,
            address: check.address.map(words::address),
            region: check.region.clone(),
            told: Vec::new(),
            steps: Vec::new(),
            guide: check
                .failure
                .as_ref()
                .map(|failure| format!("/docs/failures/{}", failure.class.as_str())),
            groups: Vec::new(),
            answer: None,
            excerpt: None,
        }
    }

    /// A look that was asked for, with everything it saw.
    pub fn of(result: &LookResult, zone: &TimeZone) -> Self {
        let seen = &result.observation;
        let mut view = Self::of_check(&result.check, zone);
        if let Some(diagnosis) = &result.diagnosis {
            view.sentence.clone_from(&diagnosis.sentence);
            view.steps = diagnosis
                .next_steps
                .iter()
                .map(|step| (step.text.clone(), step.command.clone()))
                .collect();
        }
        let told = seen.told().into_iter();
        view.told = told.map(|said| (said.label, said.text)).collect();
        view.groups = seen::groups(result, zone);
        view.answer = seen::answer(seen);
        view.excerpt.clone_from(&result.excerpt);
        view
    }
}

fn good_sentence(check: &Check) -> String {
    let total = words::milliseconds(check.total_us);
    match (check.verdict, check.http_status) {
        (VerdictKind::Degraded, Some(status)) => format!("HTTP {status}, but only after {total}."),
        (VerdictKind::Degraded, None) => format!("It answers, but only after {total}."),
        (_, Some(status)) => format!("HTTP {status} after {total}."),
        (_, None) => format!("It answers after {total}."),
    }
}

/// The mark and word of a verdict.
fn verdict_line(kind: VerdictKind) -> StatusLine {
    StatusLine::new(Shown::of(Observed::from(kind), false, false, false), false)
}

/// One look of the table.
pub struct LookLine {
    pub status: StatusLine,
    pub at: Moment,
    pub total: String,
    pub cause: String,
    pub region: String,
    pub asked_for: bool,
}

pub(super) fn look_line(check: &Check, zone: &TimeZone) -> LookLine {
    LookLine {
        status: verdict_line(check.verdict),
        at: Moment::new(check.at, zone.clone()),
        total: words::milliseconds(check.total_us),
        cause: check.failure.as_ref().map_or_else(
            || {
                check
                    .http_status
                    .map(|status| format!("HTTP {status}"))
                    .unwrap_or_default()
            },
            |failure| words::cause_sentence_case(failure, check.attribution),
        ),
        region: check.region.clone(),
        asked_for: check.slot.is_none(),
    }
}
