//! `/settings/plan`: what the account has, uses and could have.

use askama::Template;
use axum::extract::State;
use domain::account::Plan;

use super::plans::{self, PlanTable};
use crate::error::PageResult;
use crate::extract::Tenant;
use crate::state::AppState;
use crate::view::{Shell, render};

#[derive(Template)]
#[template(path = "settings/plan.html")]
struct PlanPage<'a> {
    shell: Shell,
    tab: &'static str,
    current: Plan,
    usage: Vec<(&'static str, String, String)>,
    plans: PlanTable,
    upgrade: String,
    support: &'a str,
}

/// A link that opens a mail to support. `+` is no blank in a mailto link, so blanks are written out.
pub(super) fn write_to_support(state: &AppState, tenant: &Tenant, subject: &str) -> String {
    let encode = |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let body = format!("Account {}\n", tenant.account_id());
    format!(
        "mailto:{}?subject={}&body={}",
        state.config.support_email,
        encode(subject),
        encode(&body)
    )
}

/// The page.
pub async fn show(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    let account = tenant.account_id();
    let limits = tenant.plan().limits();
    let mut transaction = tenant.begin(&state).await?;
    let members = store::memberships::count(&mut transaction, account).await?;
    let counts = [
        (
            "Monitors",
            i64::from(store::monitors::count(&mut transaction, account).await?),
            limits.monitors,
        ),
        (
            "Contacts",
            i64::from(store::contacts::count(&mut transaction, account).await?),
            limits.contacts,
        ),
        (
            "API keys",
            i64::from(store::api_keys::count(&mut transaction, account).await?),
            limits.api_keys,
        ),
        ("Members", members, limits.members),
    ];
    let words = |number: u64| domain::words::thousands(number);
    let usage = counts.map(|(label, used, limit)| {
        (
            label,
            words(u64::try_from(used).unwrap_or(0)),
            words(u64::from(limit)),
        )
    });
    let next = tenant.plan().next().map_or("", Plan::as_str);
    render(&PlanPage {
        shell: tenant.shell("Plan").section("settings"),
        tab: "plan",
        current: tenant.plan(),
        usage: usage.into(),
        plans: plans::table(Some(tenant.plan())),
        upgrade: write_to_support(&state, &tenant, &format!("Upgrade to {next}")),
        support: &state.config.support_email,
    })
}
