//! What can go wrong with the database.

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// A database error, or a row that cannot be what its table promises.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or did not answer.
    #[error("database: {0}")]
    Database(
        #[from]
        #[source]
        sqlx::Error,
    ),
    /// A row holds what it must not hold.
    #[error("impossible data in {table}.{column} of row {row}")]
    Impossible {
        /// Table.
        table: &'static str,
        /// Column.
        column: &'static str,
        /// The row's key.
        row: String,
    },
    /// A sealed value does not open with the keys at hand.
    #[error("a sealed value of {0} does not open: was a key removed from WATCHBELL_SECRET_KEY?")]
    Sealed(&'static str),
}

impl Error {
    /// The constraint that was violated, by the name our migrations gave it.
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.constraint(),
            _ => None,
        }
    }

    /// The database ended the transaction for the sake of another that it stood in the way of: whatever it
    /// was about may be done again at once.
    pub fn is_conflict(&self) -> bool {
        match self {
            // 40001 serialization failure, 40P01 deadlock.
            Self::Database(sqlx::Error::Database(error)) => {
                matches!(error.code().as_deref(), Some("40001" | "40P01"))
            }
            _ => false,
        }
    }

    /// The database cannot be reached or is starting: worth trying again.
    pub fn is_unavailable(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_)
            | sqlx::Error::Tls(_) => true,
            // 08 connection exception, 57P01..57P03 shutdown and start-up, 53300 too many connections.
            sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                code.starts_with("08") || code.starts_with("57P0") || code == "53300"
            }),
            _ => false,
        }
    }

    /// A row that cannot be.
    pub fn impossible(table: &'static str, column: &'static str, row: impl ToString) -> Self {
        Self::Impossible {
            table,
            column,
            row: row.to_string(),
        }
    }
}
