//! Every transaction that writes state, incidents, deliveries and jobs together.
//!
//! What belongs together is committed together: a status never changes without its incident, an
//! incident never opens without its messages, a message is never written without the job that sends
//! it. Nothing is sent here and nothing is looked at. Functions on a [`sqlx::PgConnection`] run in the
//! caller's transaction (a web transaction is fenced to its account and stays so); those on a
//! [`sqlx::PgPool`] are one transaction of their own.
//!
//! To add an event: a variant of `domain::delivery::Event`, whom it is told to in [`tell`], and its
//! texts in `notifier`.

mod accounts;
mod answers;
mod ask;
mod autopsies;
mod calls;
mod certificates;
mod closing;
mod commands;
mod contacts;
mod credit;
mod dependencies;
mod drill;
mod error;
mod escalation;
mod flapping;
mod heartbeats;
mod inbound;
pub mod links;
mod maintenance;
mod markers;
mod monitors;
mod opening;
mod origins;
mod own;
mod owners;
mod plan;
mod receipt;
mod record;
mod refusal;
mod registrations;
mod sweep;
mod tell;
mod timeline;
mod unreached;
pub mod watches;

pub use accounts::delete_account;
pub use answers::{SeenAnswer, record_answers};
pub use autopsies::{case_of, record_findings};
pub use calls::{CallEnd, CallTurn, Said, answer_call, end_call, press_key};
pub use certificates::{Seen, record_certificate};
pub use commands::{By, Resolution, acknowledge, comment, resolve};
pub use contacts::{tell_disabled, test_contact};
pub use credit::{grant_plan_credit, grant_plan_credits};
pub use drill::{Answer, Drilled, begin_drill, drill_answers, end_drills};
pub use error::{Error, Result};
pub use escalation::{NextStep, Outlook, escalate, escalate_due, go_on, outlook, snooze};
pub use heartbeats::{PINGS_PER_MINUTE, PingOutcome, Pinged, decide_heartbeats, record_ping};
pub use inbound::{Inbound, receive_text};
pub use maintenance::{
    change_window, create_window, decide_held, delete_window, end_window, plan_ahead, tell_pages,
};
pub use markers::record_marker;
pub use monitors::{
    delete_monitor, edit_monitor, monitor_created, pause_monitor, restore_monitor, resume_monitor,
};
pub use origins::{record_origin, record_proof};
pub use owners::{write_message, write_to_owners};
pub use plan::{PlanChange, set_plan};
pub use receipt::{Callback, receipt};
pub use record::{Looked, Recorded, record_look, record_look_in};
pub use refusal::{NOT_WANTED, block_address};
pub use registrations::{Registered, record_registration};
pub use sweep::{Overdue, decide_overdue, notice_quiet};
pub use unreached::{Unreached, tell_instead, tell_next};
