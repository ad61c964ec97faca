//! What a call to a ping address says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a job says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// It is done.
    Success,
    /// It begins.
    Start,
    /// It failed.
    Fail,
    /// Nothing about its state: something to keep.
    Log,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Success, Self::Start, Self::Fail, Self::Log];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Start => "start",
            Self::Fail => "fail",
            Self::Log => "log",
        }
    }

    /// The signal a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.as_str() == word)
    }
}

/// What stands behind the address: a signal, and the exit status where it came as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// The signal.
    pub signal: Signal,
    /// As the job's shell had it.
    pub exit_status: Option<u8>,
}

/// A tail that means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignalError {
    /// Neither a word we know nor a number.
    #[error("no such signal: use /start, /fail, /log or an exit status from 0 to 255")]
    Unknown,
    /// A number no program exits with.
    #[error("an exit status is a number from 0 to 255")]
    ExitStatus,
}

impl Action {
    /// What `/ping/{token}` without a tail says.
    pub const SUCCESS: Self = Self {
        signal: Signal::Success,
        exit_status: None,
    };

    /// Reads the tail of a ping address. Exit status 0 is success, any other a failure.
    pub fn parse(tail: &str) -> Result<Self, SignalError> {
        let word = |signal| Self {
            signal,
            exit_status: None,
        };
        match tail {
            "start" => return Ok(word(Signal::Start)),
            "fail" => return Ok(word(Signal::Fail)),
            "log" => return Ok(word(Signal::Log)),
            _ => {}
        }
        if tail.is_empty() || !tail.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SignalError::Unknown);
        }
        let status: u8 = tail.parse().map_err(|_| SignalError::ExitStatus)?;
        Ok(Self {
            signal: if status == 0 {
                Signal::Success
            } else {
                Signal::Fail
            },
            exit_status: Some(status),
        })
    }
}

/// One call, as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// What it says.
    pub action: Action,
    /// The run it belongs to, where runs overlap.
    pub rid: Option<Uuid>,
    /// When the run of that id said it began, where that is not the run the state knows.
    pub began_at: Option<Timestamp>,
    /// When it came.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails() {
        let said = |tail| Action::parse(tail).map(|action| (action.signal, action.exit_status));
        assert_eq!(said("start"), Ok((Signal::Start, None)));
        assert_eq!(said("fail"), Ok((Signal::Fail, None)));
        assert_eq!(said("log"), Ok((Signal::Log, None)));
        assert_eq!(said("0"), Ok((Signal::Success, Some(0))));
        assert_eq!(said("000"), Ok((Signal::Success, Some(0))));
        assert_eq!(said("1"), Ok((Signal::Fail, Some(1))));
        assert_eq!(said("255"), Ok((Signal::Fail, Some(255))));
        assert_eq!(said("256"), Err(SignalError::ExitStatus));
        assert_eq!(
            said("99999999999999999999999999"),
            Err(SignalError::ExitStatus)
        );
        for tail in ["", "-1", "+1", "1.0", "Fail", "stop", "٣"] {
            assert_eq!(said(tail), Err(SignalError::Unknown), "{tail}");
        }
    }
}
