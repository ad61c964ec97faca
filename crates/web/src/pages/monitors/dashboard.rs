//! `/monitors`: what is down, then everything else.

use std::collections::{BTreeMap, HashMap, HashSet};

use axum::extract::{Query, State};
use domain::account::Plan;
use domain::alert::standing::{Finding, Watched};
use domain::contact::Contact;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::Kind;
use domain::report::Window;
use domain::words;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use sqlx::PgConnection;
use store::blind::Sight;
use store::monitors::{Brief, Filter, Listed, Sort};

use super::dashboard_choice::Choice;
use super::dashboard_view::{Facts, page};
use crate::error::PageResult;
use crate::extract::Tenant;
use crate::state::AppState;
use crate::usecases::account_check;
use crate::view::{render, see_other};

/// More than any plan has.
const MOST: u32 = 6_000;
/// Rows of one page.
pub(super) const ROWS: usize = 50;

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Text in name, address or tag.
    pub q: String,
    /// `problems`, or a status of the API.
    pub status: String,
    /// Carries this tag.
    pub tag: String,
    /// `critical` or `normal`.
    pub severity: String,
    /// `status` or `name`.
    pub sort: String,
    /// Pages count from one.
    pub page: usize,
    /// What has just been done.
    pub done: String,
    /// To how many.
    pub count: usize,
}

/// Shows it.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Query(asked): Query<Asked>,
) -> PageResult {
    let now = state.now();
    let choice = Choice::of(&asked);
    let account = tenant.account_id();
    let mut transaction = tenant.read(&state).await?;
    let all = store::monitors::list_briefly(&mut transaction, account, choice.sort, now).await?;
    let found = find_text(&mut transaction, &state, account, &choice).await?;
    let is_found = |one: &&Brief| found.as_ref().is_none_or(|found| found.contains(&one.id));
    let rows: Vec<&Brief> = all
        .iter()
        .filter(|one| choice.takes(one))
        .filter(is_found)
        .collect();
    let ids = choice.page_of(&rows);
    let on_page = whole(&mut transaction, &state, account, &ids).await?;
    let contacts = store::contacts::list(&mut transaction, account).await?;
    let balance_micros = store::wallets::find_balance(&mut transaction, account).await?;
    let own = store::accounts::find(&mut transaction, account).await?;
    let is_new = own
        .as_ref()
        .is_some_and(|account| account.steps_dismissed_at.is_none());
    let known = account_check::Known {
        monitors: all.iter().map(watched).collect(),
        contacts: &contacts,
        timezone: tenant.timezone(),
        balance_micros,
    };
    let findings = account_check::check_known(&mut transaction, &state, account, known).await?;
    let day = Window::last_hours(now, 24);
    let facts = Facts {
        last: store::reports::last_checks(&mut transaction, account, &ids).await?,
        heard: heard(&mut transaction, account, &on_page).await?,
        uptimes: store::reports::uptimes(
            &mut transaction,
            account,
            &ids,
            Window::last_days(now, 30),
        )
        .await?,
        lines: store::live::sparklines(&mut transaction, account, &ids, day).await?,
        cells: store::reports::bars(&mut transaction, account, &ids, day, 96).await?,
        tags: tags(&all),
        contacts,
        balance_micros,
        account: own,
        had_incident: is_new
            && !store::incidents::list(&mut transaction, account, &Default::default(), None, 1)
                .await?
                .is_empty(),
        deleted: store::monitors::count_deleted(&mut transaction, account).await?,
        findings,
        sights: store::blind::list_sights(&mut transaction).await?,
        day,
        now,
    };
    transaction.commit().await.map_err(store::Error::from)?;
    render(&page(
        &tenant,
        &state,
        &choice,
        (&all, rows.len(), &on_page),
        &facts,
    ))
}

/// The monitors with the text that is looked for, if any is: whole addresses are compared.
async fn find_text(
    connection: &mut PgConnection,
    state: &AppState,
    account: AccountId,
    choice: &Choice,
) -> store::Result<Option<HashSet<MonitorId>>> {
    if choice.q.is_empty() {
        return Ok(None);
    }
    let (all, order) = (Filter::default(), (Sort::Name, None, MOST));
    let all = store::monitors::list(
        connection,
        &state.secrets,
        account,
        &all,
        order,
        state.now(),
    )
    .await?;
    let found = all.iter().filter(|listed| choice.finds(listed));
    Ok(Some(found.map(|listed| listed.monitor.id).collect()))
}

/// Whole rows of these monitors, in their order.
async fn whole(
    connection: &mut PgConnection,
    state: &AppState,
    account: AccountId,
    ids: &[MonitorId],
) -> store::Result<Vec<Listed>> {
    let filter = Filter {
        ids: Some(ids.to_vec()),
        ..Filter::default()
    };
    let order = (Sort::Name, None, MOST);
    let mut rows = store::monitors::list(
        connection,
        &state.secrets,
        account,
        &filter,
        order,
        state.now(),
    )
    .await?;
    rows.sort_by_key(|listed| ids.iter().position(|id| *id == listed.monitor.id));
    Ok(rows)
}

async fn heard(
    connection: &mut PgConnection,
    account: AccountId,
    rows: &[Listed],
) -> store::Result<HashMap<MonitorId, store::heartbeats::Stored>> {
    let is_heard = |one: &&Listed| one.monitor.spec.kind() == Some(Kind::Heartbeat);
    let ids = rows.iter().filter(is_heard).map(|one| one.monitor.id);
    match ids.collect::<Vec<_>>().as_slice() {
        [] => Ok(HashMap::new()),
        ids => store::heartbeats::list(connection, account, ids).await,
    }
}

/// Each tag in use with the number of monitors that carry it, by name.
fn tags(all: &[Brief]) -> Vec<(String, u32)> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for tag in all.iter().flat_map(|one| &one.tags) {
        *counts.entry(tag).or_default() += 1;
    }
    let counts = counts.into_iter();
    counts.map(|(tag, count)| (tag.to_owned(), count)).collect()
}

fn watched(one: &Brief) -> Watched {
    Watched {
        id: one.id,
        name: one.name.clone(),
        contact_ids: one.contact_ids.clone(),
        policy_id: one.policy_id,
        severity: one.severity,
    }
}

/// The three steps are not shown again.
pub async fn dismiss_steps(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    let mut transaction = tenant.begin(&state).await?;
    store::accounts::mark_steps_dismissed(&mut transaction, tenant.account_id(), state.now())
        .await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other("/monitors")
}

/// Everything that the dashboard warns of, our own faults first.
pub(super) fn all_notices(tenant: &Tenant, state: &AppState, facts: &Facts) -> Vec<Notice> {
    let own = notices(
        &facts.contacts,
        tenant.plan(),
        facts.balance_micros,
        state.config.outbox,
    );
    let mut all = blind_notices(&facts.sights, facts.now);
    all.extend(own);
    all.extend(check_notice(&facts.findings));
    all
}

/// What the standing check found and no other notice says, in one line.
fn check_notice(findings: &[Finding]) -> Option<Notice> {
    let mut found = findings
        .iter()
        .filter(|one| matches!(one.code, "nobody_on_call" | "unusable_contact"));
    let first = found.next()?;
    let more = match found.count() {
        0 => String::new(),
        more => format!(" And {more} more."),
    };
    Some(Notice {
        text: format!("{}{more}", first.text),
        link: "/policies#check",
        action: "See it",
    })
}

/// What is said of regions that see nothing now: their monitors are shown as unknown.
fn blind_notices(sights: &[Sight], now: Timestamp) -> Vec<Notice> {
    let blind = sights.iter().filter(|sight| sight.blind);
    blind
        .map(|sight| {
            let lasts = sight.blind_since.map(|since| {
                format!(" for {}", words::duration(now.duration_since(since).max(SignedDuration::ZERO)))
            });
            Notice {
                text: format!(
                    "We have not been able to look from {}{}: a fault of our own. Nothing is announced from there; everything is looked at again when it is over.",
                    sight.name,
                    lasts.unwrap_or_default()
                ),
                link: "/docs/monitors",
                action: "About looks",
            }
        })
        .collect()
}

/// The regions that look without canaries.
pub(super) fn unchecked(sights: &[Sight]) -> Option<String> {
    let names: Vec<&str> = sights
        .iter()
        .filter(|sight| sight.unchecked && !sight.blind)
        .map(|sight| sight.name.as_str())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The order of the address; problems first when it names none.
pub(super) fn sort(word: &str) -> Sort {
    if word == "name" {
        Sort::Name
    } else {
        Sort::Status
    }
}

/// Something that keeps people from being told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// One sentence.
    pub text: String,
    /// Where it is mended.
    pub link: &'static str,
    /// What the link says.
    pub action: &'static str,
}

/// What the dashboard warns of. That the owner's address is unproven is said by the layout.
fn notices(
    contacts: &[Contact],
    plan: Plan,
    balance_micros: i64,
    sms_is_free: bool,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let go = |text: String| Notice {
        text,
        link: "/contacts",
        action: "Contacts",
    };
    let told = contacts
        .iter()
        .any(|contact| contact.is_usable() && contact.in_default);
    if !told {
        notices.push(go(
            "When something goes down, nobody is told: no contact is confirmed.".to_owned(),
        ));
    }
    for contact in contacts {
        if let Some(reason) = &contact.disabled_reason {
            notices.push(go(format!(
                "{} gets no alerts any more: {reason}.",
                contact.name
            )));
        }
    }
    let waiting: Vec<&str> = contacts
        .iter()
        .filter(|contact| contact.verified_at.is_none() && contact.disabled_reason.is_none())
        .map(|contact| contact.name.as_str())
        .collect();
    match waiting.as_slice() {
        _ if !told => {}
        [] => {}
        [one] => notices.push(go(format!("{one} gets no alerts until it is confirmed."))),
        [most @ .., last] => notices.push(go(format!(
            "{} and {last} get no alerts until they are confirmed.",
            most.join(", ")
        ))),
    }
    let sends_sms = contacts
        .iter()
        .any(|contact| contact.channel.is_phone() && contact.is_usable());
    if sends_sms && balance_micros <= 0 && !sms_is_free {
        let more = if plan == Plan::Free {
            "A larger plan includes messages."
        } else {
            "It is filled with the next month."
        };
        notices.push(Notice {
            text: format!("The wallet is empty, so SMS go out as mails. {more}"),
            link: "/settings/wallet",
            action: "Wallet",
        });
    }
    notices
}

#[cfg(test)]
mod tests {
    use domain::ids::ContactId;
    use jiff::Timestamp;

    use super::*;

    fn contact(name: &str, verified: bool) -> Contact {
        let now = Timestamp::UNIX_EPOCH;
        Contact {
            id: ContactId::generate(),
            channel: domain::contact::Channel::Email,
            name: name.into(),
            address: format!("{name}@shop.example"),
            verified_at: verified.then_some(now),
            in_default: true,
            call_on_recovery: false,
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: now,
        }
    }

    #[test]
    fn contacts_that_wait_are_named_in_one_line() {
        let texts = |contacts: &[Contact]| -> Vec<String> {
            let notices = notices(contacts, Plan::Free, 0, false);
            notices.into_iter().map(|notice| notice.text).collect()
        };
        let (ops, kim, ana, bo) = (
            contact("Ops", true),
            contact("Kim", false),
            contact("Ana", false),
            contact("Bo", false),
        );
        assert!(texts(std::slice::from_ref(&ops)).is_empty());
        assert_eq!(
            texts(&[ops.clone(), kim.clone()]),
            ["Kim gets no alerts until it is confirmed."]
        );
        assert_eq!(
            texts(&[kim.clone(), ops, ana.clone(), bo]),
            ["Kim, Ana and Bo get no alerts until they are confirmed."]
        );
        assert_eq!(
            texts(&[kim, ana]),
            ["When something goes down, nobody is told: no contact is confirmed."]
        );
    }
}
