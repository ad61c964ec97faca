//! `/settings/wallet`: what text messages and calls may still cost, and what they have cost.

use askama::Template;
use axum::extract::State;
use domain::alert::budget;

use super::plan::write_to_support;
use crate::error::PageResult;
use crate::extract::Tenant;
use crate::state::AppState;
use crate::view::{Moment, Shell, render};

const SHOWN: i64 = 100;

#[derive(Template)]
#[template(path = "settings/wallet.html")]
struct WalletPage<'a> {
    shell: Shell,
    tab: &'static str,
    balance: String,
    empty: bool,
    /// Whole dollars that a day may cost.
    a_day: i64,
    texts: u32,
    calls: u32,
    entries: Vec<EntryRow>,
    top_up: String,
    support: &'a str,
}

struct EntryRow {
    at: Moment,
    text: String,
    amount: String,
}

/// Millionths of a dollar with two digits, four where cents do not say it: `0.50`, `-0.0075`.
fn dollars(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let micros = micros.unsigned_abs();
    let (whole, rest) = (micros / 1_000_000, micros % 1_000_000);
    if rest % 10_000 == 0 {
        format!("{sign}{whole}.{:02}", rest / 10_000)
    } else {
        format!("{sign}{whole}.{:04}", rest / 100)
    }
}

/// The page.
pub async fn show(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    let mut transaction = tenant.begin(&state).await?;
    let balance = store::wallets::find_balance(&mut transaction, tenant.account_id()).await?;
    let entries =
        store::wallets::list_entries(&mut transaction, tenant.account_id(), SHOWN).await?;
    drop(transaction);
    let zone = tenant.zone();
    render(&WalletPage {
        shell: tenant.shell("Wallet").section("settings"),
        tab: "wallet",
        balance: dollars(balance),
        a_day: tenant.plan().limits().messages_micros_per_day / 1_000_000,
        texts: budget::TEXTS_AN_HOUR,
        calls: budget::CALLS_AN_HOUR,
        empty: balance == 0 && entries.is_empty(),
        entries: entries
            .into_iter()
            .map(|entry| EntryRow {
                at: Moment::new(entry.at, zone.clone()),
                text: entry.text,
                amount: dollars(entry.amount_micros),
            })
            .collect(),
        top_up: write_to_support(&state, &tenant, "Add money to the wallet"),
        support: &state.config.support_email,
    })
}

#[cfg(test)]
mod tests {
    use super::dollars;

    #[test]
    fn amounts() {
        assert_eq!(
            [
                dollars(500_000),
                dollars(-50_000),
                dollars(7_500),
                dollars(-12_340_000)
            ],
            ["0.50", "-0.05", "0.0075", "-12.34"]
        );
    }
}
