//! Names of queues. Explicit and for ever: jobs of an older version wait under them.

/// Deliveries by mail.
pub const DELIVER_EMAIL: &str = "deliver_email";
/// Deliveries by text message.
pub const DELIVER_SMS: &str = "deliver_sms";
/// Deliveries by call.
pub const DELIVER_VOICE: &str = "deliver_voice";
/// Deliveries to webhooks and chat services.
pub const DELIVER_HOOK: &str = "deliver_hook";
/// Mails and texts about the account itself.
pub const ACCOUNT_MESSAGE: &str = "account_message";
/// Going on with the escalation of an incident.
pub const ESCALATE: &str = "escalate";
/// Periodic work of one leader.
pub const SWEEP: &str = "sweep";
/// Erasing the history of a deleted account or monitor.
pub const ERASE: &str = "erase";
