//! Whether a worker can do its work.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A worker that has not renewed its leases for this long is not ready.
const STALE: Duration = Duration::from_secs(10);

/// A worker's health, shared with whoever answers readiness.
#[derive(Debug, Clone, Default)]
pub struct Health {
    renewed: Arc<Mutex<Option<Instant>>>,
    lie: Arc<Mutex<Option<String>>>,
}

impl Health {
    pub(crate) fn renewed(&self) {
        *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// What cannot be there and has answered, if anything has.
    pub(crate) fn set_lie(&self, url: Option<String>) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// Why it cannot work, in one sentence; `None` when it can.
    pub fn problem(&self) -> Option<String> {
        if let Some(url) = &*self.lie.lock().unwrap_or_else(PoisonError::into_inner) {
            return Some(format!(
                "{url} cannot exist and has answered: something between this worker and the internet answers for others"
            ));
        }
        match *self.renewed.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Some("the worker has not taken its first lease yet".to_owned()),
            Some(at) if at.elapsed() > STALE => Some(format!(
                "the worker has not renewed its leases for {} s",
                at.elapsed().as_secs()
            )),
            Some(_) => None,
        }
    }
}
