//! Several providers of one kind, in order of preference: the next is tried within the same send where
//! the one before it fails, and one that keeps failing is passed over for a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::delivery::circuit::Circuit;
use domain::delivery::retry::ErrorClass;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use tokio::time::Instant;

use crate::send::{Trouble, provider_name};

/// How long a message waits for a provider to say whether it has it, where another could take it: so long
/// that the other has it within thirty seconds, also where the first one hangs each time it is asked.
const PATIENCE: SignedDuration = SignedDuration::from_secs(15);

/// Providers of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Providers<P> {
    /// `smtp`, `twilio`: the second is `smtp2`, `twilio2`.
    kind: &'static str,
    /// What one of them may take of the whole while another is left.
    share: Duration,
    all: Vec<P>,
    circuits: Arc<Mutex<Vec<Circuit>>>,
}

/// A provider of messages of one kind.
pub(crate) trait Carrier<M>: Sync {
    /// What it says to a message that it takes.
    type Answer: Send;

    /// Hands it over.
    fn carry(
        &self,
        message: &M,
        deadline: Instant,
    ) -> impl Future<Output = Result<Self::Answer, Trouble>> + Send;

    /// The message, if the provider has had it since `since`.
    fn find(
        &self,
        message: &M,
        since: Timestamp,
        deadline: Instant,
    ) -> impl Future<Output = Result<Option<Self::Answer>, Trouble>> + Send;
}

/// A provider has said yes.
#[derive(Debug)]
pub(crate) struct Done<T> {
    /// `twilio`, `twilio2`.
    pub(crate) provider: String,
    pub(crate) answer: T,
    /// What the providers before it said.
    pub(crate) met: Option<String>,
}

impl<P: Sync> Providers<P> {
    pub(crate) fn new(kind: &'static str, share: Duration, all: Vec<P>) -> Self {
        let circuits = vec![Circuit::default(); all.len()];
        Self {
            kind,
            share,
            all,
            circuits: Arc::new(Mutex::new(circuits)),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Asks one after the other until one says yes, or says no for good, or may have said yes.
    pub(crate) async fn send<M: Sync>(
        &self,
        message: &M,
        (now, deadline): (Timestamp, Instant),
    ) -> Result<Done<P::Answer>, Trouble>
    where
        P: Carrier<M>,
    {
        let order = self.order(now);
        let mut met: Option<Trouble> = None;
        for (place, &index) in order.iter().enumerate() {
            let Some(provider) = self.all.get(index) else {
                continue;
            };
            let until = if place + 1 == order.len() {
                deadline
            } else {
                deadline.min(Instant::now() + self.share)
            };
            match provider.carry(message, until).await {
                Ok(answer) => {
                    self.note(index, None, now);
                    return Ok(Done {
                        provider: provider_name(self.kind, index),
                        answer,
                        met: met.map(|trouble| trouble.message),
                    });
                }
                Err(trouble) => {
                    self.note(index, Some(&trouble), now);
                    let trouble = self.named(index, trouble);
                    // What was refused for good, or may have arrived, is not tried elsewhere.
                    let ends =
                        trouble.ambiguous || matches!(trouble.class, ErrorClass::Permanent { .. });
                    met = Some(match met {
                        Some(first) if !ends => first.and(trouble),
                        _ => trouble,
                    });
                    if ends {
                        break;
                    }
                }
            }
        }
        Err(met.unwrap_or_else(|| Trouble::ours("no provider is set up")))
    }

    /// After a try that may have arrived at `since`, every provider is asked whether it has it. One that
    /// cannot answer leaves the question open, and so the message waits; but where there is another
    /// provider, not for long: twice is better than never.
    pub(crate) async fn find<M: Sync>(
        &self,
        (message, since): (&M, Timestamp),
        (now, deadline): (Timestamp, Instant),
    ) -> Result<Option<Done<P::Answer>>, Trouble>
    where
        P: Carrier<M>,
    {
        let mut unanswered = None;
        for (index, provider) in self.all.iter().enumerate() {
            let until = deadline.min(Instant::now() + self.share / 2);
            match provider.find(message, since, until).await {
                Ok(Some(answer)) => {
                    return Ok(Some(Done {
                        provider: provider_name(self.kind, index),
                        answer,
                        met: None,
                    }));
                }
                Ok(None) => {}
                Err(trouble) => {
                    // Who cannot say what it has is not the one to be asked first.
                    self.note(index, Some(&trouble), now);
                    unanswered = Some(self.named(index, trouble));
                }
            }
        }
        let is_patient = self.all.len() < 2 || now.duration_since(since) <= PATIENCE;
        match unanswered {
            Some(_) if !is_patient => Ok(None),
            // The question may be asked again without harm.
            Some(trouble) => Err(Trouble {
                ambiguous: false,
                ..trouble
            }),
            None => Ok(None),
        }
    }

    /// Those that are worth asking in order of preference, and the others after them: better one that
    /// failed just now than nobody.
    fn order(&self, now: Timestamp) -> Vec<usize> {
        if self.all.len() < 2 {
            return (0..self.all.len()).collect();
        }
        let mut circuits = self.circuits();
        let (mut good, passed_over): (Vec<usize>, Vec<usize>) =
            (0..self.all.len()).partition(|&index| {
                circuits
                    .get_mut(index)
                    .is_none_or(|circuit| circuit.admits(now))
            });
        good.extend(passed_over);
        good
    }

    fn note(&self, index: usize, trouble: Option<&Trouble>, now: Timestamp) {
        let mut circuits = self.circuits();
        let Some(circuit) = circuits.get_mut(index) else {
            return;
        };
        match trouble.map(|trouble| &trouble.class) {
            // A message that was refused shows that the provider works.
            None | Some(ErrorClass::Permanent { .. }) => circuit.worked(),
            Some(ErrorClass::Transient { .. } | ErrorClass::Ours) => {
                circuit.failed(now);
                counter!("watchbell_provider_failures_total", "provider" => provider_name(self.kind, index))
                    .increment(1);
            }
        }
    }

    fn circuits(&self) -> MutexGuard<'_, Vec<Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of several, the one that said it is named.
    fn named(&self, index: usize, trouble: Trouble) -> Trouble {
        if self.all.len() < 2 {
            return trouble;
        }
        let name = provider_name(self.kind, index);
        Trouble {
            message: format!("{name}: {}", trouble.message),
            ..trouble
        }
    }
}

impl<T> Done<T> {
    /// What it said, and what those before it said.
    pub(crate) fn words(&self, said: &str) -> String {
        match &self.met {
            None => said.to_owned(),
            Some(met) => format!("{said} ({met})"),
        }
    }
}

#[cfg(test)]
mod tests;
