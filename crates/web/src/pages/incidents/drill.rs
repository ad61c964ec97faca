//! Who answered a fire drill, and who has not.

use domain::delivery::Event;
use domain::words;
use jiff::tz::TimeZone;

use super::show::Facts;
use crate::view::Moment;

/// The report of a drill.
pub struct DrillView {
    /// Who, when, and how long after its begin.
    pub answers: Vec<(String, Moment, String)>,
    /// Who was told and has not answered.
    pub silent: Vec<String>,
}

impl DrillView {
    /// What the timeline and the messages say of it.
    pub(super) fn of(facts: &Facts, zone: &TimeZone) -> Self {
        let answers = ::incidents::drill_answers(&facts.incident, &facts.timeline);
        let mut silent: Vec<String> = Vec::new();
        for one in &facts.deliveries {
            let is_told = one.event == Event::IncidentOpened && !one.channel.is_program();
            let has_answered = answers.iter().any(|answer| answer.name == one.contact_name);
            if is_told && !has_answered && !silent.contains(&one.contact_name) {
                silent.push(one.contact_name.clone());
            }
        }
        let answers = answers.into_iter().map(|answer| {
            let at = Moment::new(answer.at, zone.clone());
            (answer.name, at, words::duration(answer.after))
        });
        Self {
            answers: answers.collect(),
            silent,
        }
    }
}
