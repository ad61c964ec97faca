//! From names and values to [`Settings`].

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::str::FromStr;

use domain::target::AddressPolicy;
use egress::Trusted;
use egress::smtp::SmtpRelay;
use secrecy::SecretString;
use url::Url;

use super::network::{address_list, base_url, ips, networks, postgres_url, urls};
use super::text::{existing_file, header_text, log_filter, mail_address, pool_size, sender};
use super::{LogFormat, Settings, SettingsError, Signup, Telephony, Tools};

/// Names and values, with the complaints found so far.
pub struct Source {
    values: BTreeMap<String, String>,
    errors: Vec<String>,
}

/// The lines of a file; every line that is wrong is named by its number, for it may hold a secret.
fn read_file(path: &Path) -> Result<BTreeMap<String, String>, Vec<String>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => "there is no such file".to_owned(),
            ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
            _ => error.to_string(),
        };
        vec![format!("--env-file {name}: {why}")]
    })?;
    let mut errors = Vec::new();
    let mut values = BTreeMap::new();
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok((name, value)) => drop(values.insert(name, value)),
            Err(dotenvy::Error::LineParse(wrong, _)) => {
                let mut lines = text.lines().map(str::trim);
                let at =
                    lines.position(|line| !line.is_empty() && wrong.trim_start().starts_with(line));
                let at = at.map_or_else(String::new, |at| format!(", line {}", at + 1));
                errors.push(format!("--env-file {name}{at}: this is no NAME=value"));
            }
            Err(error) => errors.push(format!("--env-file {name}: {error}")),
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

impl Source {
    /// The environment, and under it the lines of `env_file`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn load(env_file: Option<&Path>) -> Result<Self, SettingsError> {
        let mut values = BTreeMap::new();
        if let Some(path) = env_file {
            values = read_file(path).map_err(SettingsError)?;
        }
        for (name, _) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with("WATCHBELL_")) else {
                continue;
            };
            match std::env::var(name) {
                Ok(value) => values.insert(name.to_owned(), value),
                Err(_) => return Err(SettingsError(vec![format!("{name} is not UTF-8")])),
            };
        }
        Ok(Self::of(values))
    }

    /// These names and values.
    pub fn of(values: BTreeMap<String, String>) -> Self {
        Self {
            values,
            errors: Vec::new(),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        let value = self.values.get(&format!("WATCHBELL_{name}"))?;
        Some(value.trim().to_owned())
    }

    /// A value; unset and empty are the same.
    fn filled(&self, name: &str) -> Option<String> {
        self.text(name).filter(|value| !value.is_empty())
    }

    fn complain(&mut self, name: &str, what: impl std::fmt::Display) {
        self.errors.push(format!("WATCHBELL_{name} {what}"));
    }

    fn parsed<T: FromStr>(&mut self, name: &str, default: T, what: &str) -> T {
        match self.filled(name).map(|text| text.parse()) {
            None => default,
            Some(Ok(value)) => value,
            Some(Err(_)) => {
                self.complain(name, what);
                default
            }
        }
    }

    fn checked<T>(&mut self, name: &str, check: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        match check(&self.filled(name)?) {
            Ok(value) => Some(value),
            Err(what) => {
                self.complain(name, what);
                None
            }
        }
    }

    fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: T) -> T {
        let Some(text) = self.filled(name) else {
            return default;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.complain(name, format_args!("must be one of: {}", list.join(", ")));
        default
    }

    fn telephony(&mut self, prefix: &str) -> Option<Telephony> {
        let names = ["ACCOUNT_SID", "AUTH_TOKEN", "FROM"].map(|name| format!("{prefix}_{name}"));
        let values = names.clone().map(|name| self.filled(&name));
        if values.iter().all(Option::is_none) {
            return None;
        }
        for (name, _) in names
            .iter()
            .zip(&values)
            .filter(|(_, value)| value.is_none())
        {
            self.complain(
                name,
                "is missing: a provider needs its account SID, its auth token and a sender",
            );
        }
        let base_name = format!("{prefix}_BASE_URL");
        let base_url = self
            .checked(&base_name, base_url)
            .or_else(|| Url::parse("https://api.twilio.com").ok())?;
        let [Some(account_sid), Some(auth_token), Some(from)] = values else {
            return None;
        };
        let base_url = Trusted::from_operator_configuration(base_url);
        Some(Telephony {
            account_sid,
            auth_token: auth_token.into(),
            from,
            base_url,
        })
    }
}

const EGRESS: &[(&str, AddressPolicy)] = &[
    ("hosted", AddressPolicy::Hosted),
    ("self-hosted", AddressPolicy::SelfHosted),
];
const LOG_FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
const SIGNUPS: &[(&str, Signup)] = &[
    ("open", Signup::Open),
    ("invite", Signup::Invite),
    ("closed", Signup::Closed),
];
const TOOLS: &[(&str, Tools)] = &[
    ("on", Tools::On),
    ("inside", Tools::Inside),
    ("off", Tools::Off),
];

impl Settings {
    /// Reads and checks every setting; all complaints come together.
    pub fn read(mut source: Source) -> Result<Self, SettingsError> {
        let s = &mut source;
        let listen = s.parsed(
            "LISTEN",
            SocketAddr::from(([127, 0, 0, 1], 8080)),
            "must be an address and port, such as 127.0.0.1:8080",
        );
        let egress = s.one_of("EGRESS", EGRESS, AddressPolicy::Hosted);
        let default_base = format!("http://localhost:{}", listen.port());
        let base = s
            .checked("BASE_URL", base_url)
            .or_else(|| Url::parse(&default_base).ok());
        let Some(base_url) = base else {
            return Err(SettingsError(vec![format!("{default_base} is no URL")]));
        };
        let region = region(s);
        let default_agent = format!(
            "Watchbell/1 (+{}/bot)",
            base_url.as_str().trim_end_matches('/')
        );
        let settings = Self {
            database_url: s.checked("DATABASE_URL", postgres_url),
            database_read_url: s.checked("DATABASE_READ_URL", postgres_url),
            database_pool: s.checked("DATABASE_POOL", pool_size).unwrap_or(10),
            data_dir: s
                .filled("DATA_DIR")
                .unwrap_or_else(|| "var".to_owned())
                .into(),
            listen,
            ops_listen: s.filled("OPS_LISTEN").and(Some(s.parsed(
                "OPS_LISTEN",
                listen,
                "must be an address and port",
            ))),
            trusted_proxies: s.checked("TRUSTED_PROXIES", networks).unwrap_or_default(),
            secret_keys: secret_keys(s),
            egress,
            dns_servers: s.checked("DNS_SERVERS", address_list).unwrap_or_default(),
            target_budget: target_budget(s, egress),
            tls_roots: s.checked("TLS_ROOTS", existing_file),
            region_name: s.filled("REGION_NAME").unwrap_or_else(|| region.clone()),
            region,
            public_addresses: s.checked("PUBLIC_ADDRESSES", ips),
            canaries: canaries(s),
            user_agent: s
                .checked("USER_AGENT", header_text)
                .unwrap_or(default_agent),
            smtp: ["SMTP_URL", "SMTP_URL_2"]
                .iter()
                .filter_map(|name| s.checked(name, relay))
                .collect(),
            mail_from: s
                .checked("MAIL_FROM", sender)
                .unwrap_or_else(|| "Watchbell <alerts@localhost>".to_owned()),
            operator_mail: s.checked("OPERATOR_MAIL", mail_address),
            telephony: ["TWILIO", "TWILIO2"]
                .iter()
                .filter_map(|prefix| s.telephony(prefix))
                .collect(),
            log: s
                .checked("LOG", log_filter)
                .unwrap_or_else(|| "info".to_owned()),
            log_format: s.one_of("LOG_FORMAT", LOG_FORMATS, LogFormat::Text),
            signup: s.one_of("SIGNUP", SIGNUPS, Signup::Open),
            tools: s.one_of("TOOLS", TOOLS, Tools::On),
            base_url,
        };
        if source.errors.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError(source.errors))
        }
    }
}

fn relay(text: &str) -> Result<Trusted<SmtpRelay>, String> {
    SmtpRelay::parse(text)
        .map(Trusted::from_operator_configuration)
        .map_err(|error| error.to_string())
}

fn region(source: &mut Source) -> String {
    let region = source
        .filled("REGION")
        .unwrap_or_else(|| "local".to_owned());
    let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !region.chars().all(is_id) || region.len() > 40 {
        source.complain("REGION", "must be up to 40 letters, digits and dashes");
    }
    region
}

fn secret_keys(source: &mut Source) -> Vec<SecretString> {
    let keys: Vec<String> = source
        .filled("SECRET_KEY")
        .map(|text| {
            text.split(',')
                .map(|key| key.trim().to_owned())
                .filter(|key| !key.is_empty())
                .collect()
        })
        .unwrap_or_default();
    if keys.iter().any(|key| key.len() < 16) {
        source.complain(
            "SECRET_KEY",
            "needs at least 16 characters a key: openssl rand -base64 32",
        );
    }
    keys.into_iter().map(SecretString::from).collect()
}

fn target_budget(source: &mut Source, egress: AddressPolicy) -> Option<u32> {
    let default = match egress {
        AddressPolicy::Hosted => Some(20),
        AddressPolicy::SelfHosted => None,
    };
    if source.filled("TARGET_BUDGET").is_none() {
        return default;
    }
    match source.parsed(
        "TARGET_BUDGET",
        0,
        "must be a number of looks a second; 0 is none",
    ) {
        0 => None,
        looks => Some(looks),
    }
}

/// Unset is the built-in list, set and empty is none.
fn canaries(source: &mut Source) -> Option<Vec<Url>> {
    match source.text("CANARIES") {
        None => None,
        Some(text) if text.is_empty() => Some(Vec::new()),
        Some(_) => source.checked("CANARIES", urls),
    }
}
