//! On-call schedules (`schedules`) and who stands in when (`schedule_overrides`).

mod overrides;
mod schedules;
#[cfg(test)]
mod tests;

pub use overrides::{
    count_overrides, delete_override, find_override, forget_in_overrides, insert_override,
    list_overrides, list_overrides_of_all,
};
pub use schedules::{count, delete, delete_all, find, insert, list, list_known, update};

use domain::ids::AccountId;
use domain::oncall::{Duty, Schedule};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::Result;

/// Every schedule of the account with its overrides that are not over at `from`.
pub async fn list_duties(
    connection: &mut PgConnection,
    account: AccountId,
    from: Timestamp,
) -> Result<Vec<Duty>> {
    let schedules = list(connection, account).await?;
    if schedules.is_empty() {
        return Ok(Vec::new());
    }
    let overrides = list_overrides_of_all(connection, account, from).await?;
    let duty = |schedule: Schedule| {
        let own = overrides.iter().filter(|(id, _)| *id == schedule.id);
        Duty {
            overrides: own.map(|(_, one)| one.clone()).collect(),
            schedule,
        }
    };
    Ok(schedules.into_iter().map(duty).collect())
}
