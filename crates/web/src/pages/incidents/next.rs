//! What comes next of an incident that nobody has.

use ::incidents::{NextStep, Outlook};
use jiff::tz::TimeZone;

use crate::pages::monitors::parts::{channel_icon, channel_word};
use crate::view::Moment;

/// What comes next.
pub struct NextLine {
    /// Until when nobody is told, and who wants it so.
    pub snoozed: Option<(Moment, String)>,
    /// `None` where nobody is left to tell.
    pub step: Option<StepLine>,
    /// When those who were told are reminded.
    pub reminder: Option<Moment>,
}

/// The next step.
pub struct StepLine {
    /// `Step 2 of 3`, with the round where there are several.
    pub title: String,
    pub at: Moment,
    /// Icon, name, and how.
    pub contacts: Vec<(&'static str, String, &'static str)>,
}

impl NextLine {
    pub fn of(outlook: &Outlook, zone: &TimeZone) -> Self {
        let moment = |at| Moment::new(at, zone.clone());
        let snoozed = outlook.snoozed.as_ref();
        Self {
            snoozed: snoozed.map(|(until, by)| (moment(*until), by.name.clone())),
            step: outlook.next.as_ref().map(|next| StepLine {
                title: title(next),
                at: moment(next.at),
                contacts: next
                    .contacts
                    .iter()
                    .map(|one| {
                        (
                            channel_icon(one.channel),
                            one.name.clone(),
                            channel_word(one.channel),
                        )
                    })
                    .collect(),
            }),
            reminder: outlook.reminder_at.map(moment),
        }
    }
}

fn title(next: &NextStep) -> String {
    let (step, steps) = next.step;
    match next.round {
        (_, 1) => format!("Step {step} of {steps}"),
        (round, rounds) => format!("Step {step} of {steps}, round {round} of {rounds}"),
    }
}
