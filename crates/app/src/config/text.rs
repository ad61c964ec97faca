//! Settings that are words, numbers and files.

use std::path::PathBuf;

use domain::account::EmailAddress;
use tracing_subscriber::EnvFilter;

/// Connections of a role: at least one.
pub fn pool_size(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(connections @ 1..=1_000) => Ok(connections),
        _ => Err("must be a number of connections, from 1 to 1000".to_owned()),
    }
}

/// A file that is there.
pub fn existing_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_file() {
        Ok(path)
    } else {
        Err(format!("names no file: {text}"))
    }
}

/// What may stand in a header.
pub fn header_text(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err("must be plain visible ASCII".to_owned())
    }
}

/// `Name <address>`, or an address alone.
pub fn sender(text: &str) -> Result<String, String> {
    let address = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    match EmailAddress::parse(address) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("must be an address, such as Watchbell <alerts@watch.example>".to_owned()),
    }
}

/// A mail address alone.
pub fn mail_address(text: &str) -> Result<String, String> {
    match EmailAddress::parse(text) {
        Ok(address) => Ok(address.to_string()),
        Err(_) => Err("must be an address, such as you@watch.example".to_owned()),
    }
}

/// A level, or a filter by parts of the program.
pub fn log_filter(text: &str) -> Result<String, String> {
    match EnvFilter::builder().parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(
            "must be error, warn, info, debug or trace, or a filter such as info,worker=debug"
                .to_owned(),
        ),
    }
}
