//! What every handler has at hand.

use std::sync::Arc;

use domain::alert::prices::Prices;
use domain::clock::Clock;
use domain::contact::{Channel, Way};
use sqlx::PgPool;
use store::Secrets;
use tokio_util::task::TaskTracker;

use crate::shares::Shares;
use crate::way::Ways;

/// Everything shared by the handlers of one process.
pub(crate) struct Room {
    pub(crate) pool: PgPool,
    pub(crate) ways: Ways,
    pub(crate) secrets: Secrets,
    pub(crate) clock: Arc<dyn Clock>,
    /// The public address without a slash at its end.
    pub(crate) base: String,
    pub(crate) prices: Prices,
    pub(crate) mail_shares: Shares,
    pub(crate) sms_shares: Shares,
    pub(crate) voice_shares: Shares,
    pub(crate) hook_shares: Shares,
    /// Sends, some of which go on after the job that began them.
    pub(crate) tasks: TaskTracker,
}

impl Room {
    /// Who sends next by this channel.
    pub(crate) const fn shares(&self, channel: Channel) -> &Shares {
        match channel.way() {
            Way::Mail => &self.mail_shares,
            Way::Text => &self.sms_shares,
            Way::Call => &self.voice_shares,
            Way::Hook => &self.hook_shares,
        }
    }
}

/// Why a step in the database did not happen. It is logged, and the sweeper tries again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Jobs(#[from] jobs::Error),
    #[error(transparent)]
    Incidents(#[from] incidents::Error),
}

impl From<sqlx::Error> for StepError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl StepError {
    /// The database is away.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_unavailable(),
            Self::Incidents(error) => error.is_unavailable(),
            Self::Jobs(_) => false,
        }
    }

    /// The row itself is at fault: trying again does not help.
    pub(crate) const fn is_unreadable(&self) -> bool {
        matches!(
            self,
            Self::Store(store::Error::Impossible { .. } | store::Error::Sealed(_))
        )
    }
}
