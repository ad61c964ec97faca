//! The form of a monitor as a page, for adding and for editing.

use askama::Template;
use axum::response::Response;
use domain::alert::Policy;
use domain::alert::plan::Recipients;
use domain::contact::Contact;
use domain::heartbeat::Rhythm;
use domain::ids::{AccountId, ContactId};
use domain::oncall::Schedule;
use http::StatusCode;
use jiff::tz::TimeZone;

use super::form::choices::{Choice, choice_of};
use super::form::{MonitorForm, Tell};
use super::show_view::LookView;
use crate::error::PageResult;
use crate::extract::{FormErrors, Tenant};
use crate::pages::policies::summary;
use crate::people::People;
use crate::state::AppState;
use crate::view::{Moment, Shell, render_with};

/// The fields that are always in sight.
const ABOVE: [&str; 19] = [
    "kind",
    "target",
    "port",
    "name",
    "period_seconds",
    "grace_seconds",
    "cron",
    "timezone",
    "record",
    "server",
    "expected",
    "match",
    "starttls",
    "security",
    "service",
    "send",
    "expect",
    "count",
    "max_loss_percent",
];

/// The form, for adding and for editing.
#[derive(Template)]
#[template(path = "monitors/form.html")]
pub struct FormPage {
    pub shell: Shell,
    pub form: MonitorForm,
    pub errors: FormErrors,
    pub contacts: Vec<Contact>,
    /// The names of those who are told by default.
    pub told_by_default: String,
    pub policies: Vec<PolicyChoice>,
    /// Monitors that it may stand behind: id and name.
    pub parents: Vec<(String, String)>,
    pub intervals: Vec<Interval>,
    pub shortest: u32,
    /// The monitor that is edited.
    pub editing: Option<Editing>,
    /// When a heartbeat is expected next, by what stands in the form.
    pub upcoming: Vec<Moment>,
    /// What a test look saw.
    pub tested: Option<LookView>,
    /// Why there was no test look.
    pub untested: Option<String>,
    pub is_full: Option<String>,
    /// This host has no right to send ICMP.
    pub ping_forbidden: bool,
}

/// The monitor that is edited.
pub struct Editing {
    pub id: String,
    pub name: String,
}

/// A policy that can be chosen.
pub struct PolicyChoice {
    pub id: String,
    pub name: String,
    /// Its steps in a line.
    pub summary: String,
}

/// One choice of how often.
pub struct Interval {
    pub seconds: u32,
    pub text: String,
}

/// The same while a monitor is edited.
pub(super) async fn again_editing(
    tenant: &Tenant,
    state: &AppState,
    form: MonitorForm,
    errors: FormErrors,
    editing: Option<&domain::monitor::Monitor>,
) -> PageResult<Response> {
    let mut page = form_page(tenant, state, form, errors).await?;
    page.set_editing(editing);
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

pub(super) async fn form_page(
    tenant: &Tenant,
    state: &AppState,
    form: MonitorForm,
    errors: FormErrors,
) -> PageResult<FormPage> {
    let account = tenant.account_id();
    let people = People::read(state, account).await?;
    let mut transaction = tenant.read(state).await?;
    let schedules = store::oncall::list(&mut transaction, account).await?;
    let policies = store::policies::list(&mut transaction, account).await?;
    let parents = store::monitors::list_names(&mut transaction, account).await?;
    let shortest = tenant.plan().limits().min_interval_seconds;
    let upcoming = upcoming(&form, state, &tenant.zone());
    Ok(FormPage {
        upcoming,
        shell: tenant.shell("Add monitor").section("monitors"),
        intervals: intervals(shortest, form.interval_seconds.parse().ok()),
        shortest,
        form,
        errors,
        told_by_default: told_by_default((&policies, &schedules), &people, account),
        policies: choices((&policies, &schedules), &people, account),
        contacts: people.contacts,
        parents: parents
            .into_iter()
            .map(|(id, name)| (id.to_string(), name))
            .collect(),
        editing: None,
        tested: None,
        untested: None,
        is_full: None,
        ping_forbidden: !state.config.may_ping,
    })
}

impl FormPage {
    /// The form is that of an existing monitor.
    pub fn set_editing(&mut self, monitor: Option<&domain::monitor::Monitor>) {
        if let Some(monitor) = monitor {
            let name = monitor.settings().name;
            let own = monitor.id.to_string();
            self.parents.retain(|(id, _)| *id != own);
            self.shell.title = format!("Edit {name}");
            self.editing = Some(Editing {
                id: monitor.id.to_string(),
                name,
            });
        }
    }

    /// An error stands at a field that is folded away.
    fn errs_below(&self) -> bool {
        let mut fields = self.errors.iter().map(|error| error.field.as_str());
        fields.any(|field| !ABOVE.contains(&field))
    }

    fn choice(&self) -> Choice {
        choice_of(&self.form.kind)
    }

    fn tells(&self, contact: &ContactId) -> bool {
        self.form.tells(contact)
    }
}

/// The next five times at which a heartbeat is expected, if the settings say when.
fn upcoming(form: &MonitorForm, state: &AppState, zone: &TimeZone) -> Vec<Moment> {
    let spec = form.specs(None).ok().and_then(|mut specs| specs.pop());
    let target = spec.map(|spec| domain::monitor::Settings::of(&spec).target);
    let Some(heartbeat) = target.as_ref().and_then(|target| target.heartbeat()) else {
        return Vec::new();
    };
    let zone = match &heartbeat.rhythm {
        Rhythm::Period(_) => zone.clone(),
        Rhythm::Cron { timezone, .. } => domain::words::zone(timezone),
    };
    let times = heartbeat.upcoming(state.now(), 5).into_iter();
    times.map(|at| Moment::new(at, zone.clone())).collect()
}

fn intervals(shortest: u32, current: Option<u32>) -> Vec<Interval> {
    let mut seconds: Vec<u32> = [10, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 21_600, 86_400]
        .into_iter()
        .filter(|seconds| *seconds >= shortest)
        .collect();
    seconds.extend(current.filter(|current| !seconds.contains(current)));
    seconds.sort_unstable();
    let text =
        |seconds| domain::words::duration(jiff::SignedDuration::from_secs(i64::from(seconds)));
    seconds
        .into_iter()
        .map(|seconds| Interval {
            seconds,
            text: text(seconds),
        })
        .collect()
}

/// Who is told where a monitor names nobody.
fn told_by_default(
    (policies, schedules): (&[Policy], &[Schedule]),
    people: &People,
    account: AccountId,
) -> String {
    let default = policies.iter().find(|policy| policy.is_default(account));
    match default {
        Some(policy) if policy.steps.is_some() => summary(policy, people, schedules),
        _ => {
            let told = domain::alert::plan::told(&Recipients::Default, (&people.contacts, &[]));
            let names: Vec<&str> = told.iter().map(|contact| contact.name.as_str()).collect();
            if names.is_empty() {
                "nobody yet".to_owned()
            } else {
                names.join(", ")
            }
        }
    }
}

fn choices(
    (policies, schedules): (&[Policy], &[Schedule]),
    people: &People,
    account: AccountId,
) -> Vec<PolicyChoice> {
    policies
        .iter()
        .filter(|policy| !policy.is_default(account))
        .map(|policy| PolicyChoice {
            id: policy.id.to_string(),
            name: policy.name.clone(),
            summary: summary(policy, people, schedules),
        })
        .collect()
}
