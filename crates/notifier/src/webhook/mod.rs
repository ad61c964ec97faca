//! The webhook channel: [`render`] makes the body, [`sign`] its headers (Standard Webhooks).

mod render;
mod sign;
#[cfg(test)]
mod tests;

pub(crate) use render::body;
pub(crate) use sign::signed;
