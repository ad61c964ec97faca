//! What a monitor's page shows, from what the database says.

mod certificate;
mod heartbeat;
mod keyword;
mod look;
mod origin;
mod range;
mod seen;
mod snippets;
mod told;

use askama::Template;
use domain::alert::Policy;
use domain::check::{Check, LookResult};
use domain::contact::Contact;
use domain::ids::MonitorId;
use domain::monitor::{Monitor, Target};
use domain::report::{Cell, Point, Uptime, Window};
use domain::status::Shown;
use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use store::certificates::Stored as Certificate;
use store::maintenance::Maintained;
use store::monitors::Listed;
use store::reports::ChecksPage;

pub use self::certificate::CertificateView;
pub use self::heartbeat::{BeatView, Heard};
pub use self::keyword::KeywordView;
use self::look::look_line;
pub use self::look::{LookLine, LookView};
pub use self::origin::OriginView;
pub use self::range::Range;
pub use self::told::ToldLine;
use self::told::told_lines;
use super::form::choices::choice_of;
use super::parts::{Relative, StatusLine, bands, behind, next_look};
use super::show::Asked;
use crate::charts::{Series, TableRow, percentiles, stacked, table, uptime_bar};
use crate::extract::Tenant;
use crate::pages::incidents::parts::IncidentLine;
use crate::state::AppState;
use crate::view::{Live, Moment, Shell};

/// What was read.
pub struct Facts {
    pub monitor: Monitor,
    pub listed: Option<Listed>,
    /// That runs, or comes soon.
    pub maintenance: Vec<Maintained>,
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
    pub policies: Vec<Policy>,
    pub duties: Vec<domain::oncall::Duty>,
    pub certificate: Option<Certificate>,
    /// The server behind it, and what proves it.
    pub origin: Option<(store::origins::Stored, String)>,
    /// A text that it might watch for.
    pub keyword: Option<domain::monitor::proposal::Proposal>,
    pub heard: Option<Heard>,
    pub depends: Depends,
    pub now: Timestamp,
}

/// What it depends on, and what depends on it.
pub struct Depends {
    pub parents: Vec<(MonitorId, String)>,
    /// The first of them.
    pub dependents: Vec<(MonitorId, String)>,
    /// How many there are.
    pub all: u32,
}

/// The same as links: id and name.
pub struct DependsView {
    /// The monitor that it is down behind.
    pub behind: Option<(String, String)>,
    pub parents: Vec<(String, String)>,
    pub dependents: Vec<(String, String)>,
    /// How many of those are not named.
    pub more: u32,
}

impl DependsView {
    fn of(facts: &Facts) -> Self {
        let linked = |monitors: &[(MonitorId, String)]| {
            let of = |(id, name): &(MonitorId, String)| (id.to_string(), name.clone());
            monitors.iter().map(of).collect()
        };
        let named = u32::try_from(facts.depends.dependents.len()).unwrap_or(u32::MAX);
        Self {
            behind: facts.listed.as_ref().and_then(behind),
            parents: linked(&facts.depends.parents),
            dependents: linked(&facts.depends.dependents),
            more: facts.depends.all.saturating_sub(named),
        }
    }
}

/// One window of the switch above the chart, with its uptime.
pub struct RangeLink {
    pub word: &'static str,
    pub text: &'static str,
    pub uptime: String,
    pub current: bool,
}

/// The maintenance that runs, else the one that comes next.
pub struct MaintenanceView {
    pub id: String,
    pub name: String,
    pub runs: bool,
    /// When it ends, or when it begins.
    pub at: Moment,
}

#[derive(Template)]
#[template(path = "monitors/show.html")]
pub struct ShowPage {
    pub shell: Shell,
    pub id: String,
    pub name: String,
    /// What people call its kind.
    pub kind: &'static str,
    pub address: String,
    pub is_http: bool,
    pub tags: Vec<String>,
    pub status: StatusLine,
    pub since: Moment,
    pub lasting: Relative,
    pub every: String,
    pub is_paused: bool,
    pub maintenance: Option<MaintenanceView>,
    pub depends: DependsView,
    pub is_deleted: bool,
    pub is_practice: Option<String>,
    pub open_incident: Option<IncidentLine>,
    pub first: Option<LookView>,
    /// The look that was asked for a moment ago.
    pub asked: Option<LookView>,
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
    pub origin: Option<OriginView>,
    /// For those who may set it.
    pub keyword: Option<KeywordView>,
    /// Of a heartbeat, in the place of looks.
    pub beat: Option<BeatView>,
    pub shows_address: bool,
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

/// The choices above the looks: the API's word and people's.
const VERDICTS: [(&str, &str); 5] = [
    ("", "All"),
    ("down", "Down"),
    ("degraded", "Slow"),
    ("blocked", "Blocked"),
    ("unknown", "Not possible"),
];

/// Puts the page together.
pub fn page(tenant: &Tenant, state: &AppState, asked: &Asked, facts: &Facts) -> ShowPage {
    let zone = tenant.zone();
    let settings = facts.monitor.settings();
    let id = facts.monitor.id.to_string();
    let is_deleted = facts.monitor.deleted_at.is_some();
    let (shown, since, confirming) = status(facts);
    let lines: Vec<IncidentLine> = facts
        .incidents
        .iter()
        .map(|listed| IncidentLine::of(listed, facts.now, &zone))
        .collect();
    ShowPage {
        shell: shell(tenant, asked, facts, shown),
        kind: choice_of(settings.target.kind().as_str()).name,
        address: settings.target.display(),
        is_http: matches!(settings.target, Target::Http(_)),
        status: StatusLine::new(shown, confirming).of_kind(settings.target.kind()),
        since: Moment::new(since, zone.clone()),
        lasting: Relative::lasting(since, facts.now, &zone),
        every: words::duration(
            SignedDuration::try_from(settings.interval).unwrap_or(SignedDuration::ZERO),
        ),
        is_paused: facts.monitor.paused_at.is_some(),
        maintenance: maintenance(facts, &zone),
        depends: DependsView::of(facts),
        is_deleted,
        is_practice: practice_link(&settings.target, state),
        open_incident: lines.iter().find(|line| line.is_open).cloned(),
        first: first(asked, facts, &zone),
        asked: asked_for(asked, facts, &zone),
        last: facts
            .last
            .as_ref()
            .map(|check| LookView::of_check(check, &zone)),
        next: next_look(&facts.monitor, facts.now).map(|at| Relative::next(at, facts.now, &zone)),
        ranges: ranges(facts),
        range: facts.range.word(),
        chart: chart(facts, &zone),
        table: table(facts.window, &series(facts), &facts.rows, &zone),
        bar: uptime_bar(
            "uptime",
            &facts.bar,
            &format!(
                "Uptime over {} days, in words below",
                facts.range.bar_days()
            ),
            &zone,
        ),
        bar_days: facts.range.bar_days(),
        bar_sentence: facts.bar_uptime.sentence(),
        incidents: lines,
        origin: origin::shown(facts, &zone),
        keyword: keyword::shown(facts).filter(|_| tenant.role().can_edit()),
        certificate: certificate::shown(facts, &settings.warn_days, &zone),
        beat: beat(state, &settings.target, facts, &zone),
        shows_address: tenant.role().can_edit(),
        told: told_lines(facts),
        tells_default: facts.monitor.contact_ids().is_none() && facts.monitor.policy_id().is_none(),
        looks: facts
            .looks
            .checks
            .iter()
            .map(|check| look_line(check, &zone))
            .collect(),
        verdict: asked.verdict.clone(),
        verdicts: VERDICTS.to_vec(),
        more: facts
            .looks
            .next
            .as_ref()
            .map(|cursor| looks_link(asked, &cursor.to_string())),
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

fn maintenance(facts: &Facts, zone: &TimeZone) -> Option<MaintenanceView> {
    let runs = |one: &&Maintained| one.starts_at <= facts.now;
    let running = facts.maintenance.iter().filter(runs);
    let one = running
        .max_by_key(|one| one.ends_at)
        .or_else(|| facts.maintenance.first())?;
    let is_now = runs(&one);
    Some(MaintenanceView {
        id: one.window_id.to_string(),
        name: one.name.clone(),
        runs: is_now,
        at: Moment::new(
            if is_now { one.ends_at } else { one.starts_at },
            zone.clone(),
        ),
    })
}

fn beat(state: &AppState, target: &Target, facts: &Facts, zone: &TimeZone) -> Option<BeatView> {
    let (heard, target) = (facts.heard.as_ref()?, target.heartbeat()?);
    let view = heartbeat::beat(
        &state.config,
        target,
        (heard, &facts.incidents),
        (facts.now, zone),
    );
    Some(view)
}

fn shell(tenant: &Tenant, asked: &Asked, facts: &Facts, shown: Shown) -> Shell {
    let id = facts.monitor.id.to_string();
    tenant
        .shell(facts.monitor.settings().name)
        .section("monitors")
        .alert((shown == Shown::Down).then(|| "(down)".to_owned()))
        .worst(Some(shown))
        .notice(done_words(&asked.done).map(str::to_owned))
        .live(Live {
            now: facts.now.to_string(),
            zone: tenant.timezone().to_owned(),
            topics: format!("monitor:{id} incident:*"),
            watch: id,
        })
}

/// The status, since when, and whether another is suspected.
fn status(facts: &Facts) -> (Shown, Timestamp, bool) {
    facts
        .listed
        .as_ref()
        .map_or((Shown::Paused, facts.monitor.updated_at, false), |listed| {
            (listed.shown, listed.since, listed.confirming)
        })
}

fn looks_link(asked: &Asked, after: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("range", asked.range.as_str()),
        ("verdict", &asked.verdict),
        ("after", after),
    ] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    format!("?{}#looks", query.finish())
}

fn done_words(word: &str) -> Option<&'static str> {
    Some(match word {
        "saved" => "Saved. The next look uses the new settings.",
        "named" => {
            "Saved. The origin is asked directly once it is shown to be yours: see “Origin” below."
        }
        "paused" => "Paused. We do not look until you resume it.",
        "resumed" => "Resumed.",
        "restored" => "Restored. We look at once.",
        "watched" => "Watched for from now on. We have just looked, and the text is there.",
        "changed" => "The monitor was changed meanwhile, so nothing was set. Look at it again.",
        "often" => "At most 6 looks a minute can be asked for. The timetable goes on.",
        "unanswered" => "No worker answered in time. The timetable goes on.",
        "full" => {
            "All monitors of the plan are in use, so nothing was changed. A larger plan has more."
        }
        _ => return None,
    })
}

/// The page with the buttons, when it is our own practice site that is looked at.
fn practice_link(target: &Target, state: &AppState) -> Option<String> {
    let Target::Http(http) = target else {
        return None;
    };
    let path = http
        .url
        .strip_prefix(state.config.base_url.as_str().trim_end_matches('/'))?;
    path.strip_suffix("/site")
        .filter(|path| path.starts_with("/practice/"))
        .map(str::to_owned)
}

fn first(asked: &Asked, facts: &Facts, zone: &TimeZone) -> Option<LookView> {
    if asked.first.is_empty() {
        return None;
    }
    facts.seen.as_ref().map(|seen| LookView::of(seen, zone))
}

/// With everything it saw, right after "Check now".
fn asked_for(asked: &Asked, facts: &Facts, zone: &TimeZone) -> Option<LookView> {
    let seen = facts.seen.as_ref().filter(|_| asked.done == "checked")?;
    Some(LookView::of(seen, zone))
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
    Series {
        step: facts.step,
        points: facts.points.clone(),
    }
}

/// Nothing is drawn before there is something to draw.
fn chart(facts: &Facts, zone: &TimeZone) -> Option<String> {
    if facts.points.is_empty() && facts.fine.iter().all(|cell| cell.down <= 0.0) {
        return None;
    }
    let draw = if facts.range == Range::Day {
        stacked
    } else {
        percentiles
    };
    Some(draw(
        "response",
        facts.window,
        &series(facts),
        &bands(&facts.fine),
        zone,
    ))
}
