//! Reads for pages and reports: looks, series, uptime. All looks of the timetable come through the
//! SQL function `looks`, which joins hot, packed and late ones in one statement.

mod beside;
mod checks;
mod series;
#[cfg(test)]
mod tests;
mod uptime;

pub use beside::{Beside, beside};
pub use checks::{ChecksCursor, ChecksFilter, ChecksPage, list_checks};
#[cfg(test)]
pub(crate) use series::in_database;
pub use series::response_times;
pub use uptime::{Bars, bars, uptime, uptimes};

use std::collections::HashMap;

use domain::check::Check;
use domain::ids::{AccountId, MonitorId};
use sqlx::PgConnection;

use crate::Result;

/// The last look at each of `monitors`, from any region; one nobody has looked at is missing.
pub async fn last_checks(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
) -> Result<HashMap<MonitorId, Check>> {
    let looks = crate::checks::list_last(connection, account, monitors).await?;
    Ok(looks
        .into_iter()
        .map(|look| (look.monitor_id, look.check))
        .collect())
}
