//! What one message is about, whatever channel carries it: the claimed row, what was read beside it,
//! and the addresses it leads to.

use domain::alert::sms;
use domain::check::{Attribution, Failure};
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::delivery::payload::{
    CertificateNews, Escalated, RegistrationNews, Reminded, StandIn, StatusNotice,
};
use domain::incident::{Incident, VoteSummary};
use domain::words;
use incidents::NextStep;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::deliveries::claim::{Claimed, Context, IncidentFacts};

use crate::error::RenderError;
use crate::storm::Storm;

/// Contacts of the next step that are named.
const MOST_NAMED: usize = 4;

/// Addresses that a message leads to, all absolute.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    pub(crate) base: String,
    pub(crate) contacts: String,
    pub(crate) stop: String,
    /// `/m/{short}`; the base where there is no monitor.
    pub(crate) monitor: String,
    /// `/i/{short}`; the monitor's where there is no incident.
    pub(crate) incident: String,
    /// `/a/{token}`.
    pub(crate) acknowledge: String,
    /// `/cause/{token}`, before `/yes` or `/no`.
    pub(crate) cause: String,
}

/// What a fire drill says first.
pub(crate) const DRILL: &str =
    "This is a fire drill: nothing is down. It asks who answers, and how fast.";
/// What it says last.
pub(crate) const DRILL_OVER: &str =
    "The fire drill is over. Its page shows who answered after how long.";

/// What a message says first when the cause is another one.
const LOOKED_CLOSER: &str = "Looked closer: the cause is known better than in our first message.";

/// Everything a text is made of.
#[derive(Debug)]
pub(crate) struct Brief<'b> {
    pub(crate) event: Event,
    pub(crate) payload: &'b Value,
    pub(crate) context: &'b Context,
    pub(crate) contact: &'b Contact,
    pub(crate) links: &'b Links,
    pub(crate) zone: TimeZone,
    /// The contact has not heard of the outage that this recovery ends.
    pub(crate) first_word: bool,
    /// Not the first mail about this incident to this contact.
    pub(crate) again: bool,
    pub(crate) now: Timestamp,
    /// Who is told next, unless somebody has it.
    pub(crate) next: Option<NextStep>,
    /// It tells of these, not of one event.
    pub(crate) storm: Option<Box<Storm>>,
}

impl<'b> Brief<'b> {
    pub(crate) fn new(
        claimed: &'b Claimed,
        context: &'b Context,
        contact: &'b Contact,
        (links, first_word): (&'b Links, bool),
        now: Timestamp,
    ) -> Self {
        let zone = context
            .account
            .as_ref()
            .map_or(TimeZone::UTC, |account| words::zone(&account.timezone));
        Self {
            event: claimed.event,
            payload: &claimed.payload,
            context,
            contact,
            links,
            zone,
            first_word,
            again: context.first_mail.is_some()
                || matches!(
                    claimed.event,
                    Event::IncidentDiagnosed | Event::IncidentEscalated | Event::IncidentReminded
                ),
            now,
            next: None,
            storm: None,
        }
    }

    /// What stands behind the outage: it is not told of apart.
    pub(crate) fn behind(&self) -> Option<String> {
        let (names, all) = &self.context.dependents;
        let which = match all {
            0 => return None,
            1 => "1 monitor depends on it".to_owned(),
            all => format!("{all} monitors depend on it"),
        };
        Some(format!(
            "{which}: {}. You are not told of them apart while this is down.",
            words::some_of(names, *all)
        ))
    }

    /// How many stand behind the outage.
    pub(crate) fn count_behind(&self) -> u32 {
        match self.event {
            Event::IncidentOpened => self.context.dependents.1,
            _ => self.context.suppressed.1,
        }
    }

    /// What was down behind it, when it is over.
    pub(crate) fn was_behind(&self) -> Option<String> {
        let (list, all) = &self.context.suppressed;
        let names: Vec<&str> = list.iter().take(5).map(|one| one.name.as_str()).collect();
        if names.is_empty() {
            return None;
        }
        Some(format!(
            "{} went down behind it. Of what is still down we tell you apart.",
            words::some_of(&names, *all)
        ))
    }

    pub(crate) fn account_name(&self) -> &str {
        self.context
            .account
            .as_ref()
            .map_or("an account", |account| account.name.as_str())
    }

    /// Nothing is down: it asks who answers.
    pub(crate) fn is_drill(&self) -> bool {
        let incident = self.context.incident.as_ref();
        incident.is_some_and(|facts| facts.incident.test)
    }

    /// The monitor as its owner calls it.
    pub(crate) fn bare_name(&self) -> String {
        self.context.monitor.as_ref().map_or_else(
            || "A deleted monitor".to_owned(),
            |monitor| monitor.settings().name,
        )
    }

    pub(crate) fn monitor_name(&self) -> String {
        let name = self.bare_name();
        match &self.context.incident {
            Some(facts) => facts.incident.name_of(&name),
            None => name,
        }
    }

    /// What people see as the monitor's address.
    pub(crate) fn address(&self) -> String {
        self.context
            .monitor
            .as_ref()
            .map(|monitor| monitor.settings().target.display())
            .unwrap_or_default()
    }

    /// It is a heartbeat: nobody looks at it.
    pub(crate) fn waits(&self) -> bool {
        let monitor = self.context.monitor.as_ref();
        monitor.is_some_and(|monitor| !monitor.settings().target.kind().looks())
    }

    pub(crate) fn facts(&self) -> Result<&'b IncidentFacts, RenderError> {
        self.context
            .incident
            .as_ref()
            .ok_or(RenderError::Missing("the incident"))
    }

    /// The end of an incident; now, where it has none.
    pub(crate) fn end(&self, incident: &Incident) -> Timestamp {
        incident.resolved_at.unwrap_or(self.now)
    }

    pub(crate) fn lasted(&self, incident: &Incident) -> SignedDuration {
        incident.duration(self.now)
    }

    pub(crate) fn certificate(&self) -> Result<CertificateNews, RenderError> {
        self.read("a certificate")
    }

    pub(crate) fn registration(&self) -> Result<RegistrationNews, RenderError> {
        self.read("a registration")
    }

    pub(crate) fn status(&self) -> Result<StatusNotice, RenderError> {
        self.read("a status")
    }

    /// It repeats what the contact may have heard before.
    pub(crate) const fn repeats(&self) -> bool {
        matches!(
            self.event,
            Event::IncidentEscalated | Event::IncidentReminded
        )
    }

    /// How far the policy has been told: of an escalation.
    pub(crate) fn escalated(&self) -> Option<Escalated> {
        self.read("an escalation")
            .ok()
            .filter(|_| self.event == Event::IncidentEscalated)
    }

    /// Why it is told once more: `Nobody has it. Still down after 12 min. Told now: Kim (step 2 of 3).`
    pub(crate) fn still(&self, incident: &Incident) -> Option<String> {
        let lasted = words::duration(self.lasted(incident));
        let since = match incident.test {
            true => format!("It began {lasted} ago."),
            false => format!("Still down after {lasted}."),
        };
        if let Some(step) = self.escalated() {
            let round = match step.rounds {
                0 | 1 => String::new(),
                rounds => format!(", round {} of {rounds}", step.round),
            };
            let told = step.told.join(", ");
            return Some(format!(
                "{} {since} Told now: {told} (step {} of {}{round}).",
                step.why, step.step, step.steps
            ));
        }
        let reminded: Reminded = self.read("a reminder").ok()?;
        (self.event == Event::IncidentReminded).then(|| {
            format!(
                "Nobody has it. {since} This is reminder {}.",
                reminded.number
            )
        })
    }

    /// `Next: call to Kim at 14:05 UTC+1 unless someone has it.`
    pub(crate) fn next_words(&self) -> Option<String> {
        let next = self.next.as_ref()?;
        let how = |contact: &Contact| match contact.channel {
            Channel::Voice => format!("call to {}", contact.name),
            channel => format!("{} ({})", contact.name, channel.name()),
        };
        let mut names: Vec<String> = next.contacts.iter().take(MOST_NAMED).map(how).collect();
        match next.contacts.len().saturating_sub(MOST_NAMED) {
            0 => {}
            more => names.push(format!("{more} more")),
        }
        let at = match words::day(next.at, &self.zone) == words::day(self.now, &self.zone) {
            true => sms::clock(next.at, &self.zone),
            false => words::moment(next.at, &self.zone),
        };
        Some(format!(
            "Next: {} at {at} unless someone has it.",
            names.join(", ")
        ))
    }

    /// That the cause is another one than the first message said: of a closer look.
    pub(crate) fn looked_closer(&self) -> Option<&'static str> {
        (self.event == Event::IncidentDiagnosed).then_some(LOOKED_CLOSER)
    }

    fn read<T: DeserializeOwned>(&self, what: &'static str) -> Result<T, RenderError> {
        serde_json::from_value(self.payload.clone()).map_err(|_| RenderError::Missing(what))
    }

    /// The message that this one stands in for.
    pub(crate) fn stand_in(&self) -> Option<StandIn> {
        serde_json::from_value(self.payload.get("fallback")?.clone()).ok()
    }

    /// What its reader can do about a quiet notice of a status; `None` where there is nothing to do.
    pub(crate) fn advice(&self) -> Option<String> {
        match self.event {
            Event::MonitorBlocked => Some(format!(
                "Let our looks in: {}/bot names our addresses and how we introduce ourselves.",
                self.links.base
            )),
            Event::MonitorPartial if self.status().is_ok_and(|status| status.origin.is_some()) => {
                Some("Look at the server itself before the cache in front of it runs out.".to_owned())
            }
            Event::MonitorUnknown if self.waits() => Some("Calls could not reach us for a while, through a fault of our own, and one was due then. If the job runs, you need do nothing: its next heartbeat ends this.".to_owned()),
            Event::MonitorUnknown => Some("Test the monitor on its page. If the address is right, the fault is ours or on the way, and you need do nothing.".to_owned()),
            _ => None,
        }
    }

    /// The guide about the cause, or else the page of its class of failure.
    pub(crate) fn guide(&self, cause: Option<&str>, class: domain::check::FailureClass) -> String {
        match domain::incident::diagnosis::guide(cause, class) {
            Some(slug) => format!("{}/docs/guides/{slug}", self.links.base),
            None => format!("{}/docs/failures/{}", self.links.base, class.as_str()),
        }
    }
}

/// `Error 502 from your server`.
pub(crate) fn cause(failure: &Failure, attribution: Option<Attribution>) -> String {
    words::cause_sentence_case(failure, attribution)
}

/// `3/3 looks failed`, or `2/3 regions say down`; empty where nothing was counted.
pub(crate) fn vote_short(vote: &VoteSummary) -> String {
    match (vote.of, vote.looks) {
        (2.., _) => format!("{}/{} regions say down", vote.down, vote.of),
        (_, 0) => String::new(),
        (_, looks) => format!("{looks}/{looks} looks failed"),
    }
}
