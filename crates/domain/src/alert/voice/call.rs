//! A call as a conversation: what was heard from the other side, what we say to it, and what follows.
//! Only key 1 takes an incident; neither that somebody answered nor any other key does.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{OTHER_KEY, Script, already_taken};

/// What came from the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Somebody answered.
    Person,
    /// An answering machine or a fax answered.
    Machine,
    /// A key.
    Key(char),
}

impl Heard {
    /// Reads the provider's words: who answered, and which keys were pressed.
    pub fn parse(answered_by: Option<&str>, digits: Option<&str>) -> Self {
        match (digits.and_then(|text| text.chars().next()), answered_by) {
            (Some(key), _) => Self::Key(key),
            (None, Some(who)) if who.starts_with("machine") || who == "fax" => Self::Machine,
            (None, _) => Self::Person,
        }
    }
}

/// Where the incident stands while the call goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'s> {
    /// Nobody has it.
    Open,
    /// The one who is called has it.
    Own,
    /// Somebody else has it.
    Taken {
        /// Who.
        by: &'s str,
        /// Since when.
        at: Timestamp,
    },
    /// It is over.
    Over {
        /// When it began.
        from: Timestamp,
        /// When it ended.
        to: Timestamp,
    },
}

/// What a turn of the call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing but speaking.
    Nothing,
    /// The incident is taken by the one who is called.
    Take,
    /// The next step of the policy is told at once, and named in the answer.
    PassOn,
    /// An answering machine has it: the next step is told at once.
    LeftMessage,
}

/// What is said, and what may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What it does.
    pub act: Act,
    /// Sentences in order; of [`Act::PassOn`] none, since they name who is next.
    pub say: Vec<String>,
    /// A key is waited for, and all is said once more after silence.
    pub asks: bool,
}

impl Reply {
    fn last(act: Act, say: Vec<String>) -> Self {
        Self {
            act,
            say,
            asks: false,
        }
    }

    fn ask(script: &Script, first: String) -> Self {
        Self {
            act: Act::Nothing,
            say: vec![first, script.menu().to_owned()],
            asks: true,
        }
    }
}

/// One turn of a call.
pub fn turn(script: &Script, heard: Heard, standing: Standing<'_>, zone: &TimeZone) -> Reply {
    if !script.asks {
        return Reply::last(Act::Nothing, vec![script.alert.clone()]);
    }
    if let Standing::Over { from, to } = standing {
        let text = script.over(to.duration_since(from));
        return Reply::last(Act::Nothing, vec![text]);
    }
    match (heard, standing) {
        (Heard::Machine, Standing::Open) => {
            Reply::last(Act::LeftMessage, vec![script.machine.clone()])
        }
        (Heard::Machine, _) => Reply::last(Act::Nothing, vec![script.machine.clone()]),
        (Heard::Key('2'), _) => Reply::ask(script, script.cause.clone()),
        (_, Standing::Own) => Reply::last(Act::Nothing, vec![script.taken().to_owned()]),
        (Heard::Person, Standing::Taken { by, at }) => Reply::last(
            Act::Nothing,
            vec![script.alert.clone(), already_taken(by, at, zone)],
        ),
        (_, Standing::Taken { by, at }) => {
            Reply::last(Act::Nothing, vec![already_taken(by, at, zone)])
        }
        (Heard::Person, _) => Reply::ask(script, script.alert.clone()),
        (Heard::Key('1'), _) => Reply::last(Act::Take, vec![script.taken().to_owned()]),
        (Heard::Key('3'), _) => Reply::last(Act::PassOn, Vec::new()),
        (Heard::Key(_), _) => Reply::ask(script, OTHER_KEY.to_owned()),
    }
}
