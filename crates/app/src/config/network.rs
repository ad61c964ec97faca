//! Settings that name addresses.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use secrecy::SecretString;
use sqlx::postgres::PgConnectOptions;
use url::Url;

/// A base URL: http or https, a host, nothing behind it.
pub fn base_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| format!("is not a URL: {text}"))?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.path() == "/";
    if plain {
        Ok(url)
    } else {
        Err("must be http://host or https://host, with a port if need be".to_owned())
    }
}

/// A Postgres URL; what is wrong with it is not repeated, it may hold a password.
pub fn postgres_url(text: &str) -> Result<SecretString, String> {
    let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
    if is_postgres && text.parse::<PgConnectOptions>().is_ok() {
        return Ok(SecretString::from(text));
    }
    Err("is not a Postgres URL: postgres://user:password@host/database".to_owned())
}

/// `url,url`.
pub fn urls(text: &str) -> Result<Vec<Url>, String> {
    parts(text)
        .map(|part| match Url::parse(part) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
            _ => Err(format!("has an entry that is no http or https URL: {part}")),
        })
        .collect()
}

/// `ip:port,ip:port`; the port of DNS where none is given.
pub fn address_list(text: &str) -> Result<Vec<SocketAddr>, String> {
    parts(text)
        .map(|part| {
            part.parse()
                .or_else(|_| part.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 53)))
                .map_err(|_| format!("has an entry that is no ip:port: {part}"))
        })
        .collect()
}

/// `198.51.100.7,2001:db8::7`.
pub fn ips(text: &str) -> Result<Vec<IpAddr>, String> {
    parts(text)
        .map(|part| {
            part.parse()
                .map_err(|_| format!("has an entry that is no IP address: {part}"))
        })
        .collect()
}

/// `10.0.0.0/8,192.0.2.7`.
pub fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    parts(text)
        .map(|part| {
            part.parse()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| format!("has an entry that is no network: {part}"))
        })
        .collect()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}
