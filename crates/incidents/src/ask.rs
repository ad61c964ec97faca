//! Asking other regions for a look, in the transaction that wants it: what is committed is asked.

use domain::ids::{AccountId, LookRequestId, MonitorId};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::Secrets;
use store::look_requests::{self, LookRequest, Reason, Subject};

use crate::Result;

/// A vote or recheck that a region was asked for is of use this long.
const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// Asks for a look at a monitor from each of `regions`.
pub(crate) async fn ask(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (account_id, monitor): (AccountId, MonitorId),
    (regions, reason): (&[String], Reason),
    now: Timestamp,
) -> Result<()> {
    for region in regions {
        let request = LookRequest {
            account_id,
            id: LookRequestId::generate(),
            subject: Subject::Monitor(monitor),
            region: region.clone(),
            reason,
            not_before: now,
            deadline: now
                .saturating_add(ANSWERED_WITHIN)
                .unwrap_or(Timestamp::MAX),
            created_at: now,
        };
        look_requests::insert(connection, secrets, &request).await?;
    }
    Ok(())
}
