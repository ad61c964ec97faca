//! The table of plans, made from the limits themselves: the landing page and settings show the same.

use domain::account::{Limits, Plan};
use domain::words::thousands;

/// The table.
#[derive(Debug)]
pub struct PlanTable {
    /// One column a plan.
    pub columns: Vec<Column>,
    /// One row a limit.
    pub rows: Vec<Row>,
}

/// A plan.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its price.
    pub price: String,
    /// The account has it.
    pub current: bool,
}

/// A limit in every plan.
#[derive(Debug)]
pub struct Row {
    /// What is limited.
    pub label: &'static str,
    /// Its value by plan.
    pub cells: Vec<String>,
}

fn name(plan: Plan) -> &'static str {
    match plan {
        Plan::Free => "Free",
        Plan::Solo => "Solo",
        Plan::Team => "Team",
        Plan::Enterprise => "Enterprise",
    }
}

/// The table, with the account's own plan marked.
pub fn table(current: Option<Plan>) -> PlanTable {
    let columns = Plan::ALL.map(|plan| Column {
        name: name(plan),
        price: match plan.limits().price_usd {
            0 => "0 USD".to_owned(),
            price => format!("{price} USD a month"),
        },
        current: current == Some(plan),
    });
    let row = |label, value: fn(Limits) -> String| Row {
        label,
        cells: Plan::ALL.iter().map(|plan| value(plan.limits())).collect(),
    };
    let rows = vec![
        row("Monitors", |limits| thousands(u64::from(limits.monitors))),
        row("Shortest interval", |limits| {
            format!("{} s", limits.min_interval_seconds)
        }),
        row("Members", |limits| thousands(u64::from(limits.members))),
        row("Contacts", |limits| thousands(u64::from(limits.contacts))),
        row("Webhooks and chat among them", |limits| {
            thousands(u64::from(limits.integrations))
        }),
        row("API keys", |limits| thousands(u64::from(limits.api_keys))),
        row("History", |limits| {
            format!("{} months", limits.history_months)
        }),
        row("API requests a minute", |limits| {
            thousands(u64::from(limits.requests_per_minute))
        }),
        row("Text messages and calls", |limits| {
            match limits.included_micros_per_month {
                0 => "from the wallet".to_owned(),
                micros => format!("{} USD a month, then the wallet", micros / 1_000_000),
            }
        }),
        row("Text messages and calls a day, at most", |limits| {
            format!("{} USD", limits.messages_micros_per_day / 1_000_000)
        }),
        row("Certificates, all kinds, API", |_| "yes".to_owned()),
    ];
    PlanTable {
        columns: columns.into(),
        rows,
    }
}
