//! How a call ended.

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Key 1.
    Taken,
    /// Key 3.
    PassedOn,
    /// A notice that asks nothing was heard.
    Heard,
    /// Somebody answered and pressed no key that decides.
    NoKey,
    /// An answering machine.
    Machine,
    /// Nobody answered.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// The network did not connect it.
    Failed,
}

impl Outcome {
    const ALL: [Self; 8] = [
        Self::Taken,
        Self::PassedOn,
        Self::Heard,
        Self::NoKey,
        Self::Machine,
        Self::NoAnswer,
        Self::Busy,
        Self::Failed,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::PassedOn => "passed_on",
            Self::Heard => "heard",
            Self::NoKey => "no_key",
            Self::Machine => "machine",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }

    /// What became of it, as a sentence for the delivery's history.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Taken => "Key 1: taken.",
            Self::PassedOn => "Key 3: passed on.",
            Self::Heard => "It was heard.",
            Self::NoKey => "Somebody answered and pressed no key.",
            Self::Machine => "An answering machine took the call.",
            Self::NoAnswer => "Nobody answered.",
            Self::Busy => "The line was busy.",
            Self::Failed => "The network did not connect the call.",
        }
    }

    /// The number rang for nothing: nobody has heard it, and nothing is paid.
    pub const fn is_unheard(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Busy | Self::Failed)
    }

    /// The next step of the policy is told at once.
    pub const fn goes_on(self) -> bool {
        self.is_unheard() || matches!(self, Self::NoKey | Self::Machine)
    }
}
