//! What the looks of all regions say together.

use crate::check::{FailureClass, VerdictKind};

/// The answer to "is it down, or is it me?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Every region that could look got a good answer.
    Up,
    /// Good answers, all of them slow.
    Slow,
    /// Some regions got a good answer, and some did not.
    Partly,
    /// No region got a good answer.
    Down,
    /// A bot protection turned all of us away.
    Blocked,
    /// It may not be looked at from here.
    Refused,
    /// No region could look.
    Unseen,
}

impl Finding {
    /// Good answers came to all of us.
    pub const fn works(self) -> bool {
        matches!(self, Self::Up | Self::Slow)
    }

    /// The word in the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Slow => "degraded",
            Self::Partly => "partial",
            Self::Down => "down",
            Self::Blocked => "blocked",
            Self::Refused => "refused",
            Self::Unseen => "unknown",
        }
    }
}

/// Of the looks that were answered, verdict and failure.
pub fn of_looks(looks: &[(VerdictKind, Option<FailureClass>)]) -> Finding {
    let count = |kind| looks.iter().filter(|(one, _)| *one == kind).count();
    let refused = |class: &Option<FailureClass>| *class == Some(FailureClass::TargetRefused);
    if looks.iter().any(|(_, class)| refused(class)) {
        return Finding::Refused;
    }
    let (up, slow) = (count(VerdictKind::Up), count(VerdictKind::Degraded));
    let (down, blocked) = (count(VerdictKind::Down), count(VerdictKind::Blocked));
    match (up + slow, down, blocked) {
        (0, 0, 0) => Finding::Unseen,
        (0, 0, _) => Finding::Blocked,
        // Whoever turns one of us away is there.
        (0, _, 0) => Finding::Down,
        (0, _, _) => Finding::Partly,
        (_, 0, _) if up == 0 => Finding::Slow,
        (_, 0, _) => Finding::Up,
        _ => Finding::Partly,
    }
}

#[cfg(test)]
mod tests {
    use VerdictKind::{Blocked, Degraded, Down, Unknown, Up};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[Up, Up], Finding::Up)]
    #[case(&[Up, Degraded, Unknown], Finding::Up)]
    #[case(&[Degraded], Finding::Slow)]
    #[case(&[Up, Down], Finding::Partly)]
    #[case(&[Down, Down, Unknown], Finding::Down)]
    #[case(&[Blocked, Unknown], Finding::Blocked)]
    #[case(&[Blocked, Down], Finding::Partly)]
    #[case(&[Up, Blocked], Finding::Up)]
    #[case(&[Unknown], Finding::Unseen)]
    #[case(&[], Finding::Unseen)]
    fn the_regions_decide_together(#[case] verdicts: &[VerdictKind], #[case] finding: Finding) {
        let looks: Vec<_> = verdicts.iter().map(|kind| (*kind, None)).collect();
        assert_eq!(of_looks(&looks), finding);
    }

    #[test]
    fn what_is_refused_is_not_down() {
        let refused = (Down, Some(FailureClass::TargetRefused));
        assert_eq!(of_looks(&[(Down, None), refused]), Finding::Refused);
    }
}
