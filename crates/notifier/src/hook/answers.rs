//! What a service says and what it means, as a table of each service.

/// How the answers of one service are read.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Who answers, at the beginning of a sentence.
    pub(crate) who: &'static str,
    /// Refusals that say more than their status; the first that fits counts.
    pub(crate) rules: &'static [Rule],
    /// Where the body says in words what is wrong (JSON pointers); the whole body where it says it nowhere.
    pub(crate) words: &'static [&'static str],
    /// Where the body names how long to wait, and in how many to the second.
    pub(crate) wait: Option<(&'static str, f64)>,
    /// Where the body names the message that was made.
    pub(crate) id: Option<&'static str>,
    /// Where the body says that it was taken, and the JSON it says: some answer 200 to what they refuse.
    pub(crate) taken: Option<(&'static str, &'static str)>,
    /// A yes means that the message is there, not only that it was accepted.
    pub(crate) arrives: bool,
    /// What is no yes and in no rule is tried again: the endpoint may be between two versions of itself.
    pub(crate) patient: bool,
}

impl Answers {
    /// Those of a service that tells all by its status.
    pub(crate) const fn of(who: &'static str, rules: &'static [Rule]) -> Self {
        Self {
            who,
            rules,
            words: &[],
            wait: None,
            id: None,
            taken: None,
            arrives: true,
            patient: false,
        }
    }
}

/// One refusal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// The status; 0 for any but a yes.
    pub(crate) status: u16,
    /// What the body says among other things, in lower case; empty for anything.
    pub(crate) words: &'static str,
    /// What it means.
    pub(crate) meaning: Meaning,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing more is sent to the contact, for this reason: a clause without its full stop.
    Stop(&'static str),
    /// This message is refused, for this reason.
    Refuse(&'static str),
}

impl Rule {
    /// Nothing more is sent there.
    pub(crate) const fn stop(status: u16, words: &'static str, why: &'static str) -> Self {
        Self {
            status,
            words,
            meaning: Meaning::Stop(why),
        }
    }

    /// This message only.
    pub(crate) const fn refuse(status: u16, words: &'static str, why: &'static str) -> Self {
        Self {
            status,
            words,
            meaning: Meaning::Refuse(why),
        }
    }

    /// It is about this answer; `body` in lower case.
    pub(super) fn fits(&self, status: u16, body: &str) -> bool {
        (self.status == 0 || self.status == status) && body.contains(self.words)
    }
}
