//! Passwords, cookies, sessions.

pub mod cookie;
pub mod password;
