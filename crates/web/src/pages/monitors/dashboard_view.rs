//! What the dashboard shows, from what the database says.

use std::collections::HashMap;

use askama::Template;
use domain::check::Check;
use domain::contact::Contact;
use domain::ids::MonitorId;
use domain::monitor::Target;
use domain::report::{Cell, Point, Uptime, Window};
use jiff::{SignedDuration, Timestamp};
use store::accounts::Account;
use store::blind::Sight;
use store::heartbeats::Stored as Heard;
use store::monitors::{Brief, Listed, Sort};

use super::dashboard::{Notice, ROWS, all_notices, unchecked};
use super::dashboard_choice::{Chip, Choice, chips, is_problem};
use super::form::choices::choice_of;
use super::headline::{Headline, Known, headline};
use super::parts::{Relative, StatusLine, bands, behind, next_look};
use crate::charts::{Series, spark};
use crate::extract::Tenant;
use crate::state::AppState;
use crate::view::{Live, Moment, Shell};

/// What was read for the rows of the page.
pub struct Facts {
    pub last: HashMap<MonitorId, Check>,
    /// Of heartbeats, whose last look is the last call.
    pub heard: HashMap<MonitorId, Heard>,
    pub uptimes: HashMap<MonitorId, Uptime>,
    pub lines: HashMap<MonitorId, Vec<(Timestamp, f64)>>,
    pub cells: HashMap<MonitorId, Vec<Cell>>,
    pub tags: Vec<(String, u32)>,
    pub contacts: Vec<Contact>,
    pub balance_micros: i64,
    pub account: Option<Account>,
    pub had_incident: bool,
    pub deleted: u32,
    pub findings: Vec<domain::alert::standing::Finding>,
    pub sights: Vec<Sight>,
    pub day: Window,
    pub now: Timestamp,
}

/// One monitor.
pub struct Row {
    pub id: MonitorId,
    pub name: String,
    pub host: String,
    pub tags: Vec<String>,
    pub status: StatusLine,
    pub lasting: Option<Relative>,
    /// When its maintenance ends, and that in short.
    pub until: Option<(Moment, String)>,
    /// The monitor that it is down behind: id and name.
    pub behind: Option<(String, String)>,
    pub spark: String,
    pub uptime: String,
    pub last: Option<Relative>,
    pub next: Option<Relative>,
}

/// What a newcomer has done of the three things that matter.
pub struct Steps {
    pub monitor: bool,
    pub phone: bool,
    pub practised: bool,
}

#[derive(Template)]
#[template(path = "monitors/dashboard.html")]
pub struct DashboardPage {
    pub shell: Shell,
    pub headline: Headline,
    pub notices: Vec<Notice>,
    /// Regions that look without a self-check.
    pub unchecked: Option<String>,
    pub chips: Vec<Chip>,
    pub rows: Vec<Row>,
    pub total: usize,
    pub limit: u32,
    pub deleted: u32,
    pub q: String,
    pub status: String,
    pub tag: String,
    pub severity: &'static str,
    pub is_filtered: bool,
    pub by_name: bool,
    pub sort_status: String,
    pub sort_name: String,
    pub previous: Option<String>,
    pub next: Option<String>,
    pub from: usize,
    pub to: usize,
    pub matching: usize,
    pub steps: Option<Steps>,
    pub practice: String,
    pub curl: String,
    pub can_edit: bool,
}

/// All monitors, how many of them are wanted, and those of the page.
type Rows<'a> = (&'a [Brief], usize, &'a [Listed]);

/// Puts the page together.
pub fn page(
    tenant: &Tenant,
    state: &AppState,
    choice: &Choice,
    (all, matching, on_page): Rows<'_>,
    facts: &Facts,
) -> DashboardPage {
    let known: Vec<Known<'_>> = all
        .iter()
        .map(|one| Known {
            name: &one.name,
            shown: one.shown,
            since: one.since,
            is_behind: one.is_behind,
        })
        .collect();
    let headline = headline(&known, facts.now);
    let watch: Vec<String> = on_page
        .iter()
        .map(|listed| listed.monitor.id.to_string())
        .collect();
    let first = (choice.page - 1).saturating_mul(ROWS);
    let account = facts.account.as_ref();
    DashboardPage {
        shell: tenant
            .shell("Monitors")
            .section("monitors")
            .alert((headline.down > 0).then(|| format!("({} down)", headline.down)))
            .worst(headline.worst)
            .notice(choice.done.clone())
            .live(Live {
                now: facts.now.to_string(),
                zone: tenant.timezone().to_owned(),
                topics: "monitor:* incident:*".to_owned(),
                watch: watch.join(" "),
            }),
        notices: all_notices(tenant, state, facts),
        unchecked: unchecked(&facts.sights),
        chips: chips(choice, all, &facts.tags),
        rows: on_page
            .iter()
            .map(|listed| row(listed, facts, tenant))
            .collect(),
        total: all.len(),
        limit: tenant.plan().limits().monitors,
        deleted: facts.deleted,
        q: choice.q.clone(),
        status: choice.status.clone(),
        tag: choice.tag.clone(),
        severity: choice.severity_word(),
        is_filtered: choice.is_filtered(),
        by_name: choice.sort == Sort::Name,
        sort_status: choice.link(&[("sort", "")]),
        sort_name: choice.link(&[("sort", "name")]),
        previous: (choice.page > 1)
            .then(|| choice.link(&[("page", &(choice.page - 1).to_string())])),
        next: (first + on_page.len() < matching)
            .then(|| choice.link(&[("page", &(choice.page + 1).to_string())])),
        from: first + 1,
        to: first + on_page.len(),
        matching,
        steps: account
            .filter(|account| account.steps_dismissed_at.is_none())
            .map(|_| steps(all, facts))
            .filter(Steps::is_open),
        practice: account.map_or_else(String::new, |account| {
            domain::account::practice::control_path(&account.practice_token)
        }),
        curl: format!(
            "curl -X POST {} \\\n  -H 'Authorization: Bearer wb_…' -H 'Content-Type: application/json' \\\n  -d '{{\"url\":\"https://shop.example\"}}'",
            state.config.link("/api/v1/monitors")
        ),
        can_edit: tenant.role().can_edit(),
        headline,
    }
}

impl Steps {
    const fn is_open(&self) -> bool {
        !(self.monitor && self.phone && self.practised)
    }
}

fn steps(all: &[Brief], facts: &Facts) -> Steps {
    Steps {
        monitor: !all.is_empty(),
        phone: facts
            .contacts
            .iter()
            .any(|contact| contact.channel.is_phone() && contact.is_usable()),
        practised: facts.had_incident,
    }
}

fn row(listed: &Listed, facts: &Facts, tenant: &Tenant) -> Row {
    let id = listed.monitor.id;
    let settings = listed.monitor.settings();
    let zone = tenant.zone();
    let heard = facts.heard.get(&id);
    Row {
        id,
        host: place(&settings.target),
        status: StatusLine::of(listed),
        lasting: is_problem(listed.shown)
            .then(|| Relative::lasting(listed.since, facts.now, &zone)),
        behind: behind(listed),
        until: listed.maintenance_until.map(|at| {
            let local = at.to_zoned(zone.clone());
            let today = local.date() == facts.now.to_zoned(zone.clone()).date();
            let short = local.strftime(if today { "%H:%M" } else { "%-d %b %H:%M" });
            (Moment::new(at, zone.clone()), short.to_string())
        }),
        spark: line(id, facts),
        uptime: facts
            .uptimes
            .get(&id)
            .and_then(Uptime::percent)
            .unwrap_or_else(|| "–".to_owned()),
        last: facts
            .last
            .get(&id)
            .map(|check| check.at)
            .or_else(|| heard.and_then(|heard| heard.beat.last_at))
            .map(|at| Relative::ago(at, facts.now, &zone)),
        next: next_look(&listed.monitor, facts.now)
            .or_else(|| heard.and_then(|heard| heard.beat.expected_at))
            .map(|at| Relative::next(at, facts.now, &zone)),
        name: settings.name,
        tags: settings.tags,
    }
}

/// The host, with the kind of what is no website.
fn place(target: &Target) -> String {
    let host = target.host();
    match target {
        Target::Http(_) => host,
        other => format!("{}, {host}", choice_of(other.kind().as_str()).name),
    }
}

fn line(id: MonitorId, facts: &Facts) -> String {
    let points = facts.lines.get(&id).map(Vec::as_slice).unwrap_or_default();
    let series = Series {
        step: SignedDuration::from_mins(15),
        points: points.iter().map(|(at, ms)| point(*at, *ms)).collect(),
    };
    let marked = bands(facts.cells.get(&id).map(Vec::as_slice).unwrap_or_default());
    let label = crate::charts::spark_words(&series, &marked);
    spark(
        &domain::ids::short_code(id.uuid()),
        facts.day,
        &series,
        &marked,
        &label,
    )
}

fn point(at: Timestamp, ms: f64) -> Point {
    Point {
        at,
        count: 1,
        p50_ms: ms,
        p95_ms: ms,
        max_ms: ms,
        phases_p50_ms: [None; 6],
    }
}
