//! Passwords, cookies, sessions, codes, and the mails about them.

pub mod agent;
pub mod challenge;
pub mod cookie;
pub mod mail;
pub mod password;
pub mod session;
