//! What can go wrong in a transaction.

/// The result of a transaction.
pub type Result<T> = std::result::Result<T, Error>;

/// A transaction that did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A job could not be enqueued.
    #[error(transparent)]
    Jobs(#[from] jobs::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Error {
    /// The database ended the transaction for another's sake: worth trying again at once.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_conflict())
    }

    /// The database cannot be reached or is starting: worth trying again.
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_unavailable())
    }
}
