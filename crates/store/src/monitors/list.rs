//! Pages of monitors with their state.

mod read;
#[cfg(test)]
mod tests;

use domain::ids::{AccountId, ContactId, MonitorId, PolicyId};
use domain::incident::Severity;
use domain::monitor::{Kind, Monitor};
use domain::status::{Observed, Shown};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Result, Secrets};

/// Which monitors are wanted; an absent filter takes all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only these.
    pub ids: Option<Vec<MonitorId>>,
    /// Any of these statuses.
    pub statuses: Option<Vec<Shown>>,
    /// Carries this tag.
    pub tag: Option<String>,
    /// Is of this kind.
    pub kind: Option<Kind>,
    /// Is of this severity.
    pub severity: Option<Severity>,
    /// Name, host, address or tag contains this text, in any case.
    pub text: Option<String>,
    /// Carries this key of its owner.
    pub key: Option<String>,
}

impl Filter {
    fn uuids(&self) -> Option<Vec<Uuid>> {
        let ids = self.ids.as_ref()?;
        Some(ids.iter().map(|id| id.uuid()).collect())
    }

    /// The ids, when nothing else is wanted.
    fn ids_alone(&self) -> Option<&[MonitorId]> {
        let others = Self {
            ids: None,
            ..self.clone()
        };
        self.ids.as_deref().filter(|_| others.is_empty())
    }

    /// It takes all.
    const fn is_empty(&self) -> bool {
        let Self {
            ids: None,
            statuses: None,
            tag: None,
            kind: None,
            severity: None,
            text: None,
            key: None,
        } = self
        else {
            return false;
        };
        true
    }

    fn status_words(&self) -> Option<Vec<String>> {
        let all = self.statuses.as_ref()?;
        Some(all.iter().map(|shown| shown.as_str().to_owned()).collect())
    }
}

/// In which order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name, A to Z.
    #[default]
    Name,
    /// Problems first, then by name.
    Status,
    /// Newest first.
    Newest,
}

impl Sort {
    const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Status => "status",
            Self::Newest => "newest",
        }
    }
}

/// Where the last page ended. Monitors made meanwhile move nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Sort key of the last one.
    pub key: String,
    /// Its id.
    pub id: MonitorId,
}

/// A monitor with what is known of it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The monitor.
    pub monitor: Monitor,
    /// What all regions together have confirmed.
    pub observed: Observed,
    /// What people are shown.
    pub shown: Shown,
    /// Since when.
    pub since: Timestamp,
    /// When its maintenance ends, while it is in one.
    pub maintenance_until: Option<Timestamp>,
    /// A change is being confirmed.
    pub confirming: bool,
    /// The monitor behind whose outage it is down, and its name.
    pub behind: Option<(MonitorId, String)>,
    /// Where a page that ends here goes on.
    pub cursor: Cursor,
}

/// The most that a page by name is found for by index.
const NEAR: u32 = 200;

/// At most `limit` monitors after `cursor`, deleted ones left out.
pub async fn list(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    filter: &Filter,
    (sort, cursor, limit): (Sort, Option<&Cursor>, u32),
    now: Timestamp,
) -> Result<Vec<Listed>> {
    let rows = match filter.ids_alone() {
        Some(ids) if sort == Sort::Name && cursor.is_none() => {
            read::these(connection, account, now, (ids, limit)).await?
        }
        None if sort == Sort::Name && limit <= NEAR && filter.is_empty() => {
            read::page(connection, account, now, (cursor, limit)).await?
        }
        _ => read::among(connection, account, filter, (sort, cursor, limit), now).await?,
    };
    rows.into_iter()
        .map(|row| row.into_listed(secrets))
        .collect()
}

/// What a list of very many shows of each: enough to count, to sort and to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// Which monitor.
    pub id: MonitorId,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How much an outage matters.
    pub severity: Severity,
    /// What people are shown.
    pub shown: Shown,
    /// Since when.
    pub since: Timestamp,
    /// It is down behind another one.
    pub is_behind: bool,
    /// The contacts that it names, if it does.
    pub contact_ids: Option<Vec<ContactId>>,
    /// The policy that it names, if it does.
    pub policy_id: Option<PolicyId>,
}

/// Every monitor of the account in short, in the order of [`list`], deleted ones left out.
pub async fn list_briefly(
    connection: &mut PgConnection,
    account: AccountId,
    sort: Sort,
    now: Timestamp,
) -> Result<Vec<Brief>> {
    let rows = read::briefly(connection, account, sort, now).await?;
    rows.into_iter().map(read::BriefRow::into_brief).collect()
}

/// Each tag in use with the number of monitors that carry it, by name.
pub async fn list_tags(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<(String, u32)>> {
    let rows = sqlx::query!(
        r#"SELECT tag AS "tag!", count(*) AS "count!" FROM monitors, unnest(tags) AS tag
         WHERE account_id = $1 AND deleted_at IS NULL GROUP BY tag ORDER BY tag COLLATE "C""#,
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.tag, u32::try_from(row.count).unwrap_or(u32::MAX)))
        .collect())
}
