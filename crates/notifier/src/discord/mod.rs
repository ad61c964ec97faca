//! The Discord channel: one embed, whose bar has the colour of the event.

mod render;
#[cfg(test)]
mod tests;

pub(crate) use render::{address, message};
