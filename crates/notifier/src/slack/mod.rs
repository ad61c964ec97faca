//! The Slack channel: Block Kit in an attachment, whose bar has the colour of the event. Servers that
//! speak Slack's language take the same.

mod render;
#[cfg(test)]
mod tests;

pub(crate) use render::message;
