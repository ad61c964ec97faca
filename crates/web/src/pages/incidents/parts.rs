//! An incident as lists show it.

use domain::ids::IncidentId;
use domain::incident::Incident;
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::incidents::Listed;

use crate::view::Moment;

/// One line.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the columns of the list")]
pub struct IncidentLine {
    pub id: IncidentId,
    pub monitor: String,
    pub cause: String,
    pub began: Moment,
    pub lasted: String,
    pub since: String,
    pub is_open: bool,
    pub taken_by: Option<String>,
    pub month: String,
}

impl IncidentLine {
    /// The line of a listed incident.
    pub fn of(listed: &Listed, now: Timestamp, zone: &TimeZone) -> Self {
        let incident = &listed.incident;
        Self {
            id: incident.id,
            monitor: incident.name_of(&listed.monitor_name),
            cause: cause(incident),
            began: Moment::new(incident.first_failure_at, zone.clone()),
            lasted: words::duration(incident.duration(now)),
            since: incident.first_failure_at.to_string(),
            is_open: incident.is_open(),
            taken_by: incident
                .acknowledged_by
                .as_ref()
                .map(|actor| actor.name.clone()),
            month: incident
                .first_failure_at
                .to_zoned(zone.clone())
                .strftime("%B %Y")
                .to_string(),
        }
    }
}

/// "Error 502 from your server".
pub fn cause(incident: &Incident) -> String {
    words::cause_sentence_case(&incident.failure, incident.attribution)
}
