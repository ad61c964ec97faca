//! What can go wrong with the queue.

/// The result of a queue operation.
pub type Result<T> = std::result::Result<T, Error>;

/// The queue could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database refused or did not answer.
    #[error("job queue: {0}")]
    Database(
        #[from]
        #[source]
        sqlx::Error,
    ),
    /// The queue's own tables could not be made.
    #[error("job queue migrations: {0}")]
    Migrate(
        #[from]
        #[source]
        sqlx::migrate::MigrateError,
    ),
    /// A job does not serialise.
    #[error("job payload: {0}")]
    Payload(
        #[from]
        #[source]
        serde_json::Error,
    ),
    /// Anything else the queue says.
    #[error("job queue: {0}")]
    Queue(#[source] apalis_postgres::Error),
}

impl From<apalis_postgres::Error> for Error {
    fn from(error: apalis_postgres::Error) -> Self {
        match error {
            apalis_postgres::Error::Database(error) => Self::Database(error),
            other => Self::Queue(other),
        }
    }
}
