//! What a monitor's page shows, from what the database says.

use askama::Template;
use domain::alert::Recipients;
use domain::alert::plan::told;
use domain::check::{Check, LookResult, VerdictKind};
use domain::contact::Contact;
use domain::monitor::{Monitor, Target};
use domain::report::{Cell, Point, Uptime, Window};
use domain::status::{Observed, Shown};
use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::certificates::Stored as Certificate;
use store::monitors::Listed;
use store::reports::ChecksPage;

use super::parts::{Relative, StatusLine, bands, channel_icon, channel_word, next_look};
use super::show::Asked;
use crate::charts::{PhaseBar, Series, TableRow, percentiles, phase_bar, phase_legend, stacked, table, uptime_bar};
use crate::extract::Tenant;
use crate::pages::incidents::parts::IncidentLine;
use crate::state::AppState;
use crate::view::{Live, Moment, Shell};

/// The window of the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Day,
    Week,
    Month,
    Quarter,
}

impl Range {
    /// All of them, shortest first.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// The range of a word of the address; a day when it is none.
    pub fn of(word: &str) -> Self {
        Self::ALL.into_iter().find(|range| range.word() == word).unwrap_or(Self::Day)
    }

    /// The word in the address.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Quarter => "90d",
        }
    }

    /// What people read.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Day => "24 h",
            Self::Week => "7 d",
            Self::Month => "30 d",
            Self::Quarter => "90 d",
        }
    }

    /// Its length.
    pub const fn hours(self) -> i64 {
        match self {
            Self::Day => 24,
            Self::Week => 24 * 7,
            Self::Month => 24 * 30,
            Self::Quarter => 24 * 90,
        }
    }

    /// Days of the uptime bar beside it.
    pub const fn bar_days(self) -> i64 {
        if matches!(self, Self::Quarter) { 90 } else { 30 }
    }

    /// Cells of that bar.
    pub const fn bar_cells(self) -> u32 {
        if matches!(self, Self::Quarter) { 90 } else { 30 }
    }
}

/// What was read.
pub struct Facts {
    pub monitor: Monitor,
    pub listed: Option<Listed>,
    pub range: Range,
    pub window: Window,
    pub step: SignedDuration,
    pub points: Vec<Point>,
    pub fine: Vec<Cell>,
    pub rows: Vec<Cell>,
    pub bar: Vec<Cell>,
    pub bar_uptime: Uptime,
    pub uptimes: Vec<(Range, Uptime)>,
    pub last: Option<Check>,
    pub seen: Option<LookResult>,
    pub looks: ChecksPage,
    pub incidents: Vec<store::incidents::Listed>,
    pub contacts: Vec<Contact>,
    pub certificate: Option<Certificate>,
    pub now: Timestamp,
}

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
    pub redirects: Vec<String>,
    pub certificate: Option<String>,
    pub steps: Vec<(String, Option<String>)>,
}

impl LookView {
    /// A look that is kept.
    pub fn of_check(check: &Check, zone: &TimeZone) -> Self {
        let bar = PhaseBar::of(&check.phases, check.failure.as_ref().map(|failure| failure.phase));
        let cause = check.failure.as_ref().map(|failure| words::cause_sentence_case(failure, check.attribution));
        Self {
            status: verdict_line(check.verdict),
            is_good: check.verdict == VerdictKind::Up,
            at: Moment::new(check.at, zone.clone()),
            sentence: cause.map_or_else(|| good_sentence(check), |cause| format!("{cause}.")),
            bar: if bar.parts().is_empty() { String::new() } else { phase_bar(&bar) },
            legend: phase_legend(&bar),
            total: words::milliseconds(check.total_us),
            http_status: check.http_status,
            address: check.address.map(|address| address.to_string()),
            region: check.region.clone(),
            redirects: Vec::new(),
            certificate: None,
            steps: Vec::new(),
        }
    }

    /// A look that was asked for, with everything it saw.
    pub fn of(result: &LookResult, zone: &TimeZone) -> Self {
        let seen = &result.observation;
        let mut view = Self::of_check(&result.check, zone);
        if let Some(diagnosis) = &result.diagnosis {
            view.sentence.clone_from(&diagnosis.sentence);
            view.steps = diagnosis.next_steps.iter().map(|step| (step.text.clone(), step.command.clone())).collect();
        }
        view.redirects = seen.redirects.iter().map(|hop| format!("{} {}", hop.status, hop.to)).collect();
        view.certificate = seen.tls.as_ref().and_then(|tls| tls.leaf().map(|leaf| (tls, leaf))).map(|(tls, leaf)| {
            format!("{}, {}, until {}", leaf.subject, leaf.issuer, words::day(tls.not_after().unwrap_or(leaf.not_after), zone))
        });
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
pub fn verdict_line(kind: VerdictKind) -> StatusLine {
    StatusLine::new(Shown::of(Observed::from(kind), false, false, false), false)
}

/// One window of the switch above the chart, with its uptime.
pub struct RangeLink {
    pub word: &'static str,
    pub text: &'static str,
    pub uptime: String,
    pub current: bool,
}

/// A certificate.
pub struct CertificateView {
    pub names: String,
    pub issuer: String,
    pub not_after: Moment,
    pub days: String,
    pub is_near: bool,
    pub problem: Option<&'static str>,
    pub chain: Vec<String>,
    pub key: String,
    pub serial: String,
    pub next_warning: Option<String>,
}

/// Someone who is told.
pub struct ToldLine {
    pub name: String,
    pub address: String,
    pub channel: &'static str,
    pub icon: &'static str,
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

#[derive(Template)]
#[template(path = "monitors/show.html")]
pub struct ShowPage {
    pub shell: Shell,
    pub id: String,
    pub name: String,
    pub address: String,
    pub is_http: bool,
    pub tags: Vec<String>,
    pub status: StatusLine,
    pub since: Moment,
    pub lasting: Relative,
    pub every: String,
    pub is_paused: bool,
    pub is_deleted: bool,
    pub is_practice: Option<String>,
    pub open_incident: Option<IncidentLine>,
    pub first: Option<LookView>,
    pub last: Option<LookView>,
    pub next: Option<Relative>,
    pub ranges: Vec<RangeLink>,
    pub range: &'static str,
    pub chart: Option<String>,
    pub table: Vec<TableRow>,
    pub bar: String,
    pub bar_days: i64,
    pub bar_sentence: Option<String>,
    pub incidents: Vec<IncidentLine>,
    pub certificate: Option<CertificateView>,
    pub told: Vec<ToldLine>,
    pub tells_default: bool,
    pub looks: Vec<LookLine>,
    pub verdict: String,
    pub verdicts: Vec<(&'static str, &'static str)>,
    pub more: Option<String>,
    pub is_first_page: bool,
    pub key: Option<String>,
    pub api: String,
    pub can_edit: bool,
    pub can_respond: bool,
}

/// Puts the page together.
pub fn page(tenant: &Tenant, state: &AppState, asked: &Asked, facts: &Facts) -> ShowPage {
    let zone = tenant.zone();
    let settings = facts.monitor.settings();
    let id = facts.monitor.id.to_string();
    let is_deleted = facts.monitor.deleted_at.is_some();
    let (shown, since, confirming) = facts.listed.as_ref().map_or((Shown::Paused, facts.monitor.updated_at, false), |listed| {
        (listed.shown, listed.since, listed.confirming)
    });
    let alert = (shown == Shown::Down).then(|| "(down)".to_owned());
    let lines: Vec<IncidentLine> = facts.incidents.iter().map(|listed| IncidentLine::of(listed, facts.now, &zone)).collect();
    ShowPage {
        shell: tenant
            .shell(settings.name.clone())
            .section("monitors")
            .alert(alert)
            .worst(Some(shown))
            .notice(done_words(&asked.done).map(str::to_owned))
            .live(Live {
                now: facts.now.to_string(),
                zone: tenant.timezone().to_owned(),
                topics: format!("monitor:{id} incident:*"),
                watch: id.clone(),
            }),
        address: settings.target.display(),
        is_http: matches!(settings.target, Target::Http(_)),
        status: StatusLine::new(shown, confirming),
        since: Moment::new(since, zone.clone()),
        lasting: Relative::lasting(since, facts.now, &zone),
        every: words::duration(SignedDuration::try_from(settings.interval).unwrap_or(SignedDuration::ZERO)),
        is_paused: facts.monitor.paused_at.is_some(),
        is_deleted,
        is_practice: practice_link(&settings.target, state),
        open_incident: lines.iter().find(|line| line.is_open).cloned(),
        first: first(asked, facts, &zone),
        last: facts.last.as_ref().map(|check| LookView::of_check(check, &zone)),
        next: next_look(&facts.monitor, facts.now).map(|at| Relative::next(at, facts.now, &zone)),
        ranges: ranges(facts),
        range: facts.range.word(),
        chart: chart(facts, &zone),
        table: table(facts.window, &series(facts), &facts.rows, &zone),
        bar: uptime_bar("uptime", &facts.bar, &format!("Uptime over {} days, in words below", facts.range.bar_days()), &zone),
        bar_days: facts.range.bar_days(),
        bar_sentence: facts.bar_uptime.sentence(),
        incidents: lines,
        certificate: facts.certificate.as_ref().map(|found| certificate(found, &settings.warn_days, facts.now, &zone)),
        told: told_lines(&facts.monitor, &facts.contacts),
        tells_default: facts.monitor.contact_ids().is_none(),
        looks: facts.looks.checks.iter().map(|check| look_line(check, &zone)).collect(),
        verdict: asked.verdict.clone(),
        verdicts: vec![("", "All"), ("down", "Down"), ("degraded", "Slow"), ("blocked", "Blocked"), ("unknown", "Not possible")],
        more: facts.looks.next.as_ref().map(|cursor| looks_link(asked, &cursor.to_string())),
        is_first_page: asked.after.is_empty(),
        key: facts.monitor.spec.key.clone(),
        api: state.config.link(&format!("/api/v1/monitors/{id}")),
        can_edit: tenant.role().can_edit() && !is_deleted,
        can_respond: tenant.role().can_respond() && !is_deleted,
        name: settings.name,
        tags: settings.tags,
        id,
    }
}

fn looks_link(asked: &Asked, after: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("range", asked.range.as_str()), ("verdict", &asked.verdict), ("after", after)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    format!("?{}#looks", query.finish())
}

fn done_words(word: &str) -> Option<&'static str> {
    Some(match word {
        "saved" => "Saved. The next look uses the new settings.",
        "paused" => "Paused. We do not look until you resume it.",
        "resumed" => "Resumed. We look at once.",
        "restored" => "Restored. We look at once.",
        "checked" => "We have just looked.",
        "often" => "At most 6 looks a minute can be asked for. The timetable goes on.",
        "unanswered" => "No worker answered in time. The timetable goes on.",
        "full" => "All monitors of the plan are in use, so nothing was changed. A larger plan has more.",
        _ => return None,
    })
}

/// The page with the buttons, when it is our own practice site that is looked at.
fn practice_link(target: &Target, state: &AppState) -> Option<String> {
    let Target::Http(http) = target else { return None };
    let path = http.url.strip_prefix(state.config.base_url.as_str().trim_end_matches('/'))?;
    path.strip_suffix("/site").filter(|path| path.starts_with("/practice/")).map(str::to_owned)
}

fn first(asked: &Asked, facts: &Facts, zone: &TimeZone) -> Option<LookView> {
    if asked.first.is_empty() {
        return None;
    }
    facts.seen.as_ref().map(|seen| LookView::of(seen, zone))
}

fn ranges(facts: &Facts) -> Vec<RangeLink> {
    facts
        .uptimes
        .iter()
        .map(|(range, uptime)| RangeLink {
            word: range.word(),
            text: range.text(),
            uptime: uptime.percent().unwrap_or_else(|| "–".to_owned()),
            current: *range == facts.range,
        })
        .collect()
}

fn series(facts: &Facts) -> Series {
    Series { step: facts.step, points: facts.points.clone() }
}

/// Nothing is drawn before there is something to draw.
fn chart(facts: &Facts, zone: &TimeZone) -> Option<String> {
    if facts.points.is_empty() && facts.fine.iter().all(|cell| cell.down <= 0.0) {
        return None;
    }
    let draw = if facts.range == Range::Day { stacked } else { percentiles };
    Some(draw("response", facts.window, &series(facts), &bands(&facts.fine), zone))
}

fn certificate(found: &Certificate, warn_days: &[u32], now: Timestamp, zone: &TimeZone) -> CertificateView {
    let leaf = found.facts.leaf();
    let not_after = found.facts.not_after().unwrap_or(found.seen_at);
    let left = not_after.duration_since(now);
    let days = left.as_hours().div_euclid(24);
    let mut thresholds: Vec<i64> = warn_days.iter().map(|days| i64::from(*days)).collect();
    thresholds.sort_unstable_by(|a, b| b.cmp(a));
    let next = thresholds.iter().find(|threshold| **threshold <= days);
    CertificateView {
        names: leaf.map(|leaf| if leaf.names.is_empty() { leaf.subject.clone() } else { leaf.names.join(", ") }).unwrap_or_default(),
        issuer: leaf.map(|leaf| leaf.issuer.clone()).unwrap_or_default(),
        not_after: Moment::new(not_after, zone.clone()),
        days: match days {
            ..0 => "expired".to_owned(),
            0 => "less than a day left".to_owned(),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        },
        is_near: thresholds.first().is_some_and(|first| days <= *first),
        problem: found.facts.problem.map(|class| class.phrase()),
        chain: found.facts.chain.iter().map(|part| format!("{} by {}", part.subject, part.issuer)).collect(),
        key: leaf.map(|leaf| leaf.key.clone()).unwrap_or_default(),
        serial: leaf.map(|leaf| leaf.serial.clone()).unwrap_or_default(),
        next_warning: next.map(|threshold| {
            let at = not_after - SignedDuration::from_hours(24 * threshold);
            words::day(at, zone)
        }),
    }
}

fn told_lines(monitor: &Monitor, contacts: &[Contact]) -> Vec<ToldLine> {
    let recipients = monitor.contact_ids().map_or(Recipients::Default, |ids| Recipients::Named(ids.to_vec()));
    told(&recipients, contacts)
        .into_iter()
        .map(|contact| ToldLine {
            name: contact.name.clone(),
            address: contact.address.clone(),
            channel: channel_word(contact.channel),
            icon: channel_icon(contact.channel),
        })
        .collect()
}

fn look_line(check: &Check, zone: &TimeZone) -> LookLine {
    LookLine {
        status: verdict_line(check.verdict),
        at: Moment::new(check.at, zone.clone()),
        total: words::milliseconds(check.total_us),
        cause: check.failure.as_ref().map_or_else(
            || check.http_status.map(|status| format!("HTTP {status}")).unwrap_or_default(),
            |failure| words::cause_sentence_case(failure, check.attribution),
        ),
        region: check.region.clone(),
        asked_for: check.slot.is_none(),
    }
}
