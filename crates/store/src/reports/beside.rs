//! What stands beside each monitor of a list, and is no part of it.

use domain::ids::{AccountId, MonitorId};
use domain::monitor::proposal::Proposal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Result, keyword_proposals};

/// What a list of monitors shows beside them.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Texts that are proposed, and not dismissed.
    pub proposals: Vec<(MonitorId, Proposal)>,
    /// Every region by its id, in their order.
    pub regions: Vec<String>,
}

/// The same for `monitors`, in one round trip: it is asked for with every list.
pub async fn beside(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
) -> Result<Beside> {
    let ids: Vec<Uuid> = monitors.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT NULL::uuid AS "monitor_id?", id AS "text!", '' AS "missing!", 0::smallint AS "status!"
           FROM regions
           UNION ALL
           SELECT monitor_id, text, missing, status FROM keyword_proposals
           WHERE account_id = $1 AND monitor_id = ANY ($2) AND proposed_at IS NOT NULL AND dismissed_at IS NULL"#,
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    let mut beside = Beside::default();
    for row in rows {
        let Some(monitor) = row.monitor_id.map(MonitorId::from_uuid) else {
            beside.regions.push(row.text);
            continue;
        };
        let proposal = keyword_proposals::read(monitor, row.text, &row.missing, row.status)?;
        beside.proposals.push((monitor, proposal));
    }
    // A UNION keeps no order by itself.
    beside.regions.sort_unstable();
    Ok(beside)
}
