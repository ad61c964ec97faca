//! Scenes: each says what a target does, and what a look at it has to say. They are the one list of
//! how every failure class is produced.
//!
//! To add one: a line in the file of its part. A failure class that no scene has fails the test of
//! `crates/probe/tests/scenes`.

mod connections;
mod exchanges;
mod floods;
mod handshakes;
mod pages;
mod ports;
mod stage;

use std::time::Duration;

use domain::check::verdict::{Expectation, VerdictKind};
use domain::check::{FailureClass, Phase};
use domain::monitor::{MonitorSpec, Settings};
use domain::target::AddressPolicy;
use egress::Egress;

pub use stage::Stage;

/// For what answers, on a busy machine too.
const PATIENT: Duration = Duration::from_secs(10);
/// For what is silent.
const SHORT: Duration = Duration::from_millis(700);

/// What a target does, and what has to be said of it.
#[derive(Debug)]
pub struct Scene {
    /// Its name, which no other has.
    pub name: &'static str,
    /// What is wrong and in which part of a look that shows; nothing for a target that is well.
    pub failure: Option<(FailureClass, Phase)>,
    /// What that means for the monitor.
    pub verdict: VerdictKind,
    /// Time-out of the look.
    pub timeout: Duration,
    /// The monitor's settings in JSON; `PORT` stands for the port of the stage.
    spec: String,
    stage: Stage,
    policy: AddressPolicy,
    ever_up: bool,
    was_public: bool,
}

/// A scene that is set.
pub struct Set {
    /// What is looked at.
    pub settings: Settings,
    /// What its owner expects.
    pub expected: Expectation,
    /// The way to it.
    pub egress: Egress,
    /// The list of registries (RFC 9224), where one is asked.
    pub registries: Option<String>,
    _stage: stage::Built,
}

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Set")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Scene {
    fn new(name: &'static str, spec: &str, stage: Stage) -> Self {
        Self {
            name,
            failure: None,
            verdict: VerdictKind::Up,
            timeout: PATIENT,
            spec: spec.to_owned(),
            stage,
            policy: AddressPolicy::SelfHosted,
            ever_up: true,
            was_public: false,
        }
    }

    /// What is wrong: down, unless said otherwise.
    fn is(mut self, class: FailureClass, phase: Phase) -> Self {
        self.failure = Some((class, phase));
        self.verdict = VerdictKind::Down;
        self
    }

    /// What it means, where that is not down.
    fn means(mut self, verdict: VerdictKind) -> Self {
        self.verdict = verdict;
        self
    }

    /// The look lasts until its time-out.
    fn waits(mut self) -> Self {
        self.timeout = SHORT;
        self
    }

    fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Looked at by the hosted service.
    fn hosted(mut self) -> Self {
        self.policy = AddressPolicy::Hosted;
        self
    }

    /// The name had a public address before.
    fn was_public(mut self) -> Self {
        self.was_public = true;
        self
    }

    /// The monitor was not up yet.
    fn never_up(mut self) -> Self {
        self.ever_up = false;
        self
    }

    /// Begins what it tells of. It ends when that is dropped.
    pub async fn set(self) -> Set {
        let built = self.stage.build(self.policy).await;
        let spec = self.spec.replace("PORT", &built.port.to_string());
        let spec: MonitorSpec = serde_json::from_str(&spec).expect("settings of a monitor");
        let settings = Settings::of(&spec);
        Set {
            expected: Expectation::of(&settings, self.ever_up, self.was_public),
            settings,
            egress: built.egress.clone(),
            registries: built.registries.clone(),
            _stage: built,
        }
    }
}

/// All scenes.
pub fn all() -> Vec<Scene> {
    [
        connections::scenes(),
        handshakes::scenes(),
        exchanges::scenes(),
        pages::scenes(),
        ports::scenes(),
        floods::scenes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Settings of an `http` monitor and nothing else.
const HTTP: &str = r#"{"url": "http://127.0.0.1:PORT/"}"#;
/// The same over TLS.
const HTTPS: &str = r#"{"url": "https://localhost:PORT/"}"#;
