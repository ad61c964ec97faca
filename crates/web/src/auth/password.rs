//! argon2id. One hash costs some 20 MB and tens of milliseconds, so only a few run at once, and never
//! on the threads that serve requests.

use std::sync::Arc;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use store::users::Credentials;
use tokio::sync::Semaphore;

use crate::error::PageError;

/// A hash of no password: unknown addresses are judged against it, so that they take as long as
/// known ones.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$d2F0Y2hiZWxsLW5vYm9keQ$3IcUTPvyiMNRHtM6tIiCMQ7LvHnJWc6CuOQ1bPjWyzk";

/// Hashes and verifies.
#[derive(Debug, Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    /// What costs time, counted.
    #[cfg(test)]
    runs: Arc<std::sync::atomic::AtomicUsize>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Hasher {
    /// As many at once as there are processors.
    pub fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            permits: Arc::new(Semaphore::new(processors)),
            #[cfg(test)]
            runs: Arc::default(),
        }
    }

    /// Passwords hashed or judged so far.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(std::sync::atomic::Ordering::SeqCst)
    }

    /// The hash of a new password.
    pub async fn hash(&self, password: &str) -> Result<String, PageError> {
        let password = password.to_owned();
        self.run(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string())
                .map_err(|error| PageError::internal(error.to_string()))
        })
        .await?
    }

    /// The password is the one that was hashed. Without a hash: no, after the same time.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PageError> {
        let password = password.to_owned();
        let known = hash.is_some();
        let hash = hash.unwrap_or(NOBODY).to_owned();
        let right = self
            .run(move || {
                Argon2::default()
                    .verify_password(password.as_bytes(), hash.as_str())
                    .is_ok()
            })
            .await?;
        Ok(right && known)
    }

    /// The first of at most two people whose password it is. However many there are and whoever is
    /// right, two passwords are judged, so that the time does not tell how many there are.
    pub async fn find_right(
        &self,
        password: &str,
        people: Vec<Credentials>,
    ) -> Result<Option<Credentials>, PageError> {
        let hash = |i: usize| people.get(i).map(|person| person.password_hash.as_str());
        let right = [
            self.verify(password, hash(0)).await?,
            self.verify(password, hash(1)).await?,
        ];
        Ok(people
            .into_iter()
            .zip(right)
            .find_map(|(person, right)| right.then_some(person)))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PageError> {
        let _permit = self.permits.acquire().await.map_err(PageError::internal)?;
        #[cfg(test)]
        self.runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(PageError::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn a_hash_fits_its_password_only() {
        let hasher = Hasher::new();
        let hash = hasher.hash("correct horse battery").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(
            hasher
                .verify("correct horse battery", Some(&hash))
                .await
                .unwrap()
        );
        assert!(
            !hasher
                .verify("correct horse batter", Some(&hash))
                .await
                .unwrap()
        );
        assert!(!hasher.verify("correct horse battery", None).await.unwrap());
    }

    #[test]
    fn nobody_is_hashed_like_somebody() {
        let cost = |hash: &str| hash.rsplitn(3, '$').nth(2).map(str::to_owned);
        let somebody = Argon2::default().hash_password(b"x").unwrap().to_string();
        assert_eq!(cost(NOBODY), cost(&somebody));
    }

    #[tokio::test]
    async fn nobody_costs_as_much_as_somebody() {
        let hasher = Hasher::new();
        let hash = hasher.hash("correct horse battery").await.unwrap();
        let mut times = [0_u128; 2];
        for _ in 0..5 {
            for (i, hash) in [Some(hash.as_str()), None].into_iter().enumerate() {
                let started = Instant::now();
                hasher.verify("wrong", hash).await.unwrap();
                times[i] += started.elapsed().as_micros();
            }
        }
        let ratio = times[0] as f64 / times[1] as f64;
        assert!(
            (0.4..2.5).contains(&ratio),
            "known {} µs, unknown {} µs",
            times[0],
            times[1]
        );
    }
}
