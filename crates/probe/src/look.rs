//! One look while it goes on: its deadline, its phases, and what it has seen so far.
//!
//! The whole look is one future under one deadline. When the deadline comes the future is dropped,
//! and what it has written here says how far it got.

use std::time::{Duration, Instant};

use domain::check::{Failure, FailureClass, Observation, Phase};
use domain::target::Host;
use jiff::Timestamp;

use crate::wire::Log;
use crate::{Names, Prober};

/// What a part of a look ends with when it fails.
pub(crate) type Step<T> = Result<T, Failure>;

/// What a kind without pages waits for, and what its absence is called.
#[derive(Debug, Clone)]
pub(crate) struct Awaited {
    pub class: FailureClass,
    /// Such as `the greeting of the mail server`.
    pub what: &'static str,
    /// What fills the class's phrase; the time-out when absent.
    pub detail: Option<String>,
}

/// A host of which the addresses are known.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub host: Host,
    pub family: egress::Family,
    pub addresses: Vec<egress::CheckedAddr>,
}

/// A look in progress.
pub(crate) struct Look<'p> {
    pub prober: &'p Prober,
    pub seen: Observation,
    /// Where addresses come from.
    pub source: Names,
    /// The family of addresses that names are resolved to.
    pub family: egress::Family,
    /// Names that were resolved: none is asked for twice in a look, so that no second answer can lead
    /// elsewhere (DNS rebinding).
    pub names: Vec<Resolved>,
    /// The port that is connected to in the place of another, of the host that is looked at behind what
    /// stands in front of it.
    pub port: Option<(Host, u16, u16)>,
    pub timeout: Duration,
    pub deadline: Instant,
    started: Instant,
    phase: Phase,
    phase_started: Instant,
    /// The address in use.
    pub connected: Option<egress::CheckedAddr>,
    /// What passed over the connection in use, inside TLS.
    wire: Option<Log>,
    /// What the kind waits for, where that is no page.
    awaited: Option<Awaited>,
    /// What counts as the look's time, where that is not the time it took.
    measured: Option<Duration>,
}

impl<'p> Look<'p> {
    pub(crate) fn begin(
        prober: &'p Prober,
        timeout: Duration,
        source: Names,
        at: Timestamp,
    ) -> Self {
        let started = Instant::now();
        Self {
            prober,
            seen: Observation::begin(at),
            source,
            family: egress::Family::Any,
            names: Vec::new(),
            port: None,
            timeout,
            deadline: started + timeout,
            started,
            phase: Phase::Dns,
            phase_started: started,
            connected: None,
            wire: None,
            awaited: None,
            measured: None,
        }
    }

    /// The port that is connected to for this host and port.
    pub(crate) fn port_of(&self, host: &Host, port: u16) -> u16 {
        match &self.port {
            Some((of, from, to)) if of == host && *from == port => *to,
            _ => port,
        }
    }

    /// From here on the look waits for this: the deadline is then its absence.
    pub(crate) fn awaits(&mut self, class: FailureClass, what: &'static str) {
        self.awaited = Some(Awaited {
            class,
            what,
            detail: None,
        });
    }

    /// The same with what fills the class's phrase.
    pub(crate) fn awaits_with(&mut self, class: FailureClass, what: &'static str, detail: String) {
        self.awaited = Some(Awaited {
            class,
            what,
            detail: Some(detail),
        });
    }

    /// This is what counts as the time of the answer.
    pub(crate) fn measured(&mut self, time: Duration) {
        self.measured = Some(time);
    }

    /// Ends the present phase and begins the next.
    pub(crate) fn enter(&mut self, phase: Phase) {
        self.enter_at(phase, Instant::now());
    }

    /// The same at a moment that already was.
    pub(crate) fn enter_at(&mut self, phase: Phase, at: Instant) {
        let spent = micros(at.saturating_duration_since(self.phase_started));
        self.seen.phases.add(self.phase, spent);
        self.phase = phase;
        self.phase_started = at.max(self.phase_started);
    }

    /// Begins a phase without counting what was between: the first of a new hop.
    pub(crate) fn begin_hop(&mut self) {
        self.wire = None;
        self.enter(Phase::Dns);
    }

    /// The connection on which a request now goes out.
    pub(crate) fn watch(&mut self, wire: Log) {
        self.wire = Some(wire);
    }

    /// The request has left when its last byte was written: what came after was waiting.
    pub(crate) fn split_send(&mut self) {
        if self.phase != Phase::Send {
            return;
        }
        let written = self.wire.as_ref().and_then(Log::last_write);
        if let Some(written) = written.filter(|at| *at >= self.phase_started) {
            self.enter_at(Phase::FirstByte, written);
        }
    }

    /// The failure of a look that met its deadline.
    pub(crate) fn timed_out(&mut self) -> Failure {
        self.split_send();
        let passed = self.wire.as_ref().map(Log::snapshot).unwrap_or_default();
        let limit = limit_text(self.timeout);
        if let (Some(awaited), Phase::Send | Phase::FirstByte | Phase::Body) =
            (self.awaited.take(), self.phase)
        {
            let message = format!("{} did not come within {limit}", awaited.what);
            let detail = awaited.detail.unwrap_or(limit);
            return Failure::new(awaited.class, self.phase, message).with_detail(detail);
        }
        let (class, message) = match self.phase {
            Phase::Dns => (
                FailureClass::DnsTimeout,
                format!("no answer to the DNS query within {limit}"),
            ),
            Phase::Connect => (
                FailureClass::ConnectTimeout,
                format!("no answer to the connection within {limit}"),
            ),
            Phase::Tls => (
                FailureClass::TlsTimeout,
                format!("the TLS handshake did not end within {limit}"),
            ),
            Phase::Send | Phase::FirstByte => (
                FailureClass::HttpTimeout,
                format!(
                    "no complete header block within {limit}; {} bytes came",
                    passed.read
                ),
            ),
            Phase::Body => (
                FailureClass::BodyTimeout,
                format!(
                    "the body did not end within {limit}; {} bytes came",
                    passed.read
                ),
            ),
        };
        Failure::new(class, self.phase, message).with_detail(limit)
    }

    /// Closes the books.
    pub(crate) fn finish(mut self, failure: Option<Failure>) -> Observation {
        self.enter(self.phase);
        self.seen.total_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        if let Some(time) = self.measured {
            let answer = micros(time);
            self.seen.phases.first_byte = Some(answer);
            self.seen.total_us = u64::from(self.seen.phases.dns.unwrap_or(0)) + u64::from(answer);
        }
        self.seen.failure = failure;
        self.seen
    }
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

/// A time-out as people read it: `10 s`, `500 ms`, `2.5 s`.
pub(crate) fn limit_text(limit: Duration) -> String {
    let ms = limit.as_millis();
    if ms < 1000 {
        format!("{ms} ms")
    } else if ms.is_multiple_of(1000) {
        format!("{} s", ms / 1000)
    } else {
        format!("{}.{} s", ms / 1000, (ms % 1000) / 100)
    }
}
