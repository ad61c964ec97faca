//! What is known of a heartbeat monitor's calls.

use domain::heartbeat::{Beat, Signal};
use serde::Serialize;
use utoipa::ToSchema;

/// What was heard of a job, and what is waited for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Heartbeat)]
pub struct HeartbeatView {
    /// The last heartbeat; null before the first.
    #[schema(format = DateTime)]
    last_at: Option<String>,
    /// What it said.
    #[schema(value_type = Option<SignalName>)]
    last_signal: Option<&'static str>,
    /// The exit status it said, where it said one.
    last_exit_status: Option<u8>,
    /// How long the last finished run took; null where its start was not said.
    last_duration_ms: Option<i64>,
    /// A run began then and has not ended.
    #[schema(format = DateTime)]
    running_since: Option<String>,
    /// When the next heartbeat is expected; null while none is waited for.
    #[schema(format = DateTime)]
    expected_at: Option<String>,
    /// When it is missed; null while none is waited for.
    #[schema(format = DateTime)]
    due_at: Option<String>,
    /// Heartbeats so far.
    count: i64,
}

/// What a job says.
#[derive(Debug, ToSchema)]
#[schema(as = Signal, rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum SignalName {
    Success,
    Start,
    Fail,
    Log,
}

impl HeartbeatView {
    /// Of what is stored.
    pub fn of(beat: &Beat, count: i64) -> Self {
        let last = beat.last;
        Self {
            last_at: beat.last_at.map(|at| at.to_string()),
            last_signal: last.map(|last| Signal::as_str(last.signal)),
            last_exit_status: last.and_then(|last| last.exit_status),
            last_duration_ms: beat
                .last_duration
                .map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
            running_since: beat.run.map(|run| run.started_at.to_string()),
            expected_at: beat.expected_at.map(|at| at.to_string()),
            due_at: beat.due_at.map(|at| at.to_string()),
            count,
        }
    }
}
