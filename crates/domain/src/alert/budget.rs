//! What may be spent on text messages and calls, so that neither a storm, nor a loop of somebody's own
//! making, nor a stolen key empties a wallet in a night.

use jiff::SignedDuration;

use crate::contact::Channel;

/// The time over which an account's spending is capped; it moves along with now.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The time over which the messages of one incident are counted; it moves along with now.
pub const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Text messages of one incident within [`HOUR`].
pub const TEXTS_AN_HOUR: u32 = 40;
/// Calls of one incident within [`HOUR`].
pub const CALLS_AN_HOUR: u32 = 20;

/// What a paid message may not go beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Of the account within [`DAY`], millionths of a US dollar.
    pub day_micros: i64,
    /// Messages of this channel about one incident within [`HOUR`].
    pub incident_hour: u32,
}

/// What has been spent, the message in question left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// By the account within [`DAY`], less what came back.
    pub day_micros: i64,
    /// Messages of this channel about the incident within [`HOUR`]; 0 for one about none.
    pub incident_hour: u32,
}

/// Why a message is not paid although the wallet holds its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// The account's day is spent.
    Day,
    /// The incident's hour is.
    Incident,
}

impl Budget {
    /// What `channel` may cost an account whose plan has this cap a day.
    pub const fn new(channel: Channel, day_micros: i64) -> Self {
        let incident_hour = match channel {
            Channel::Voice => CALLS_AN_HOUR,
            _ => TEXTS_AN_HOUR,
        };
        Self {
            day_micros,
            incident_hour,
        }
    }

    /// What stands against one more message at `price`, millionths of a US dollar.
    pub fn refuses(self, price: i64, spent: Spent) -> Option<Over> {
        if spent.incident_hour >= self.incident_hour {
            return Some(Over::Incident);
        }
        (spent.day_micros.saturating_add(price) > self.day_micros).then_some(Over::Day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_message_of_a_budget_goes_and_the_next_does_not() {
        let budget = Budget::new(Channel::Sms, 100);
        let spent = |day_micros, incident_hour| Spent {
            day_micros,
            incident_hour,
        };
        for (price, spent, over) in [
            (40, spent(0, 0), None),
            (40, spent(60, 0), None),
            (40, spent(61, 0), Some(Over::Day)),
            (101, spent(0, 0), Some(Over::Day)),
            (40, spent(0, TEXTS_AN_HOUR - 1), None),
            (40, spent(0, TEXTS_AN_HOUR), Some(Over::Incident)),
            (i64::MAX, spent(1, 0), Some(Over::Day)),
        ] {
            assert_eq!(budget.refuses(price, spent), over, "{price} {spent:?}");
        }
        assert_eq!(Budget::new(Channel::Voice, 1).incident_hour, CALLS_AN_HOUR);
    }
}
