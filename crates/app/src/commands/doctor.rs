//! `watchbell doctor`: what is set up, what is missing, what to do.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::bail;
use egress::Egress;
use egress::http::{ProviderClient, Request};
use egress::smtp;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use domain::clock::{Clock, SystemClock};
use store::blind::Sight;

use crate::config::{Settings, Signup, Telephony};
use crate::database::{Database, Opener};
use crate::way_out;

/// How one thing stands.
enum Finding {
    Fine(String),
    /// Not set up, which may be meant.
    Absent(String),
    /// Broken, with what to do.
    Broken(String),
}

const LIMIT: Duration = Duration::from_secs(5);

/// Checks everything and fails if anything is broken.
pub async fn run(settings: &Settings, egress: &Egress) -> anyhow::Result<()> {
    let mut findings = database(settings).await;
    findings.extend(mail(settings, egress).await);
    findings.extend(telephony(settings, egress).await);
    findings.push(("resolver", resolver(settings, egress).await));
    findings.push(("ping", ping(egress)));
    findings.extend(canaries(settings).await);
    findings.push(("sign-up", signup(settings)));
    let mut text = String::new();
    let mut broken = 0;
    for (name, finding) in &findings {
        let (mark, words) = match finding {
            Finding::Fine(words) => ("ok", words),
            Finding::Absent(words) => ("--", words),
            Finding::Broken(words) => {
                broken += 1;
                ("BROKEN", words)
            }
        };
        let _ = writeln!(text, "{mark:<7} {name:<10} {words}");
    }
    super::answer(text.trim_end());
    if broken > 0 {
        bail!("{broken} of {} things need you", findings.len());
    }
    Ok(())
}

async fn database(settings: &Settings) -> Vec<(&'static str, Finding)> {
    let database = match Database::open(settings, Opener::Command).await {
        Ok(database) => database,
        Err(error) => return vec![("database", Finding::Broken(format!("{error:#}")))],
    };
    let findings = inspect(&database)
        .await
        .unwrap_or_else(|error| vec![("database", Finding::Broken(format!("{error:#}")))]);
    database.close().await;
    findings
}

async fn inspect(database: &Database) -> anyhow::Result<Vec<(&'static str, Finding)>> {
    let mut connection = database.pool.acquire().await?;
    let version = store::admin::server_version(&mut connection).await?;
    let before = SystemClock.now();
    let theirs = store::admin::clock(&mut connection).await?;
    let ours = SystemClock.now();
    drop(connection);
    let pending = database.pending().await?;
    let regions = match pending {
        0 => store::blind::list_sights(&mut *database.pool.acquire().await?).await?,
        _ => Vec::new(),
    };
    let name = format!("PostgreSQL {}.{}", version / 10_000, version % 10_000);
    let database = if version < 150_000 {
        Finding::Broken(format!("{name} is too old: use 15 or later"))
    } else if pending > 0 && database.is_embedded() {
        Finding::Fine(format!(
            "{name}, {pending} migrations pending: `watchbell serve` runs them when it starts"
        ))
    } else if pending > 0 {
        Finding::Broken(format!(
            "{name}, {pending} migrations pending: run `watchbell migrate`"
        ))
    } else {
        Finding::Fine(format!("{name}, up to date"))
    };
    let off = if theirs < before {
        before.duration_since(theirs)
    } else {
        theirs.duration_since(ours)
    };
    let clock = if off.as_millis() > 500 {
        Finding::Broken(format!(
            "differs from the database's by {} ms: run a time service on both",
            off.as_millis()
        ))
    } else {
        Finding::Fine("agrees with the database's".to_owned())
    };
    let mut findings = vec![("database", database), ("clock", clock)];
    findings.extend(sights(&regions));
    Ok(findings)
}

async fn mail(settings: &Settings, egress: &Egress) -> Vec<(&'static str, Finding)> {
    if settings.smtp.is_empty() {
        let words = if settings.is_local() {
            "not set up: mails go to the local outbox at /outbox"
        } else {
            "not set up: set WATCHBELL_SMTP_URL, else nobody gets a mail"
        };
        return vec![("mail", Finding::Absent(words.to_owned()))];
    }
    let mut findings = Vec::new();
    for (name, relay) in ["mail", "mail2"].into_iter().zip(&settings.smtp) {
        let place = format!("{}:{}", relay.get().host(), relay.get().port());
        findings.push((
            name,
            match smtp::connect(egress, relay, Instant::now() + LIMIT).await {
                Ok(session) => {
                    session.quit().await;
                    Finding::Fine(format!("{place} greets and accepts our login"))
                }
                Err(error) => Finding::Broken(format!("{place}: {error}")),
            },
        ));
    }
    findings
}

async fn telephony(settings: &Settings, egress: &Egress) -> Vec<(&'static str, Finding)> {
    if settings.telephony.is_empty() {
        let words = if settings.is_local() {
            "not set up: texts and calls go to the local outbox at /outbox"
        } else {
            "not set up: phone contacts cannot be added (WATCHBELL_TWILIO_ACCOUNT_SID)"
        };
        return vec![("telephony", Finding::Absent(words.to_owned()))];
    }
    let mut findings = Vec::new();
    for (name, provider) in ["telephony", "telephony2"]
        .into_iter()
        .zip(&settings.telephony)
    {
        findings.push((name, provider_finding(provider, egress).await));
    }
    findings
}

async fn provider_finding(provider: &Telephony, egress: &Egress) -> Finding {
    let place = provider
        .base_url
        .get()
        .host_str()
        .unwrap_or_default()
        .to_owned();
    let path = format!("2010-04-01/Accounts/{}.json", provider.account_sid);
    let asked = async {
        let client = ProviderClient::new(egress, &provider.base_url)?;
        let request = Request::get()
            .basic_auth(&provider.account_sid, provider.auth_token.expose_secret())?;
        client.send(&path, request, Instant::now() + LIMIT).await
    };
    match asked.await {
        Ok(response) if response.is_success() => {
            let calls = match provider.from.starts_with('+') {
                true => "",
                false => "; its sender is no number, so that it sends texts and cannot call",
            };
            Finding::Fine(format!("{place} knows our account{calls}"))
        }
        Ok(response) if response.status == 401 => Finding::Broken(format!(
            "{place} refuses our login: check the account SID and auth token"
        )),
        Ok(response) => Finding::Broken(format!("{place} answers {}", response.status)),
        Err(error) => Finding::Broken(format!("{place}: {error}")),
    }
}

async fn resolver(settings: &Settings, egress: &Egress) -> Finding {
    let named = settings.canary_urls().into_iter();
    let name = named
        .filter_map(|url| url::Url::parse(&url).ok()?.domain().map(str::to_owned))
        .next()
        .unwrap_or_else(|| "example.com".to_owned());
    let Ok(host) = domain::target::TargetHost::parse(&name, egress.policy()) else {
        return Finding::Absent(format!("not asked: {name} may not be looked up"));
    };
    match egress
        .resolve(&host.into_host(), 443, true, Instant::now() + LIMIT)
        .await
    {
        Ok(_) => Finding::Fine(format!("finds {name}")),
        Err(error) => Finding::Broken(format!(
            "does not find {name}: {error}. Set WATCHBELL_DNS_SERVERS"
        )),
    }
}

/// Without the right to send ICMP all else works, so that this is never broken.
fn ping(egress: &Egress) -> Finding {
    let how = "allow this user's group in the sysctl net.ipv4.ping_group_range, or give the program CAP_NET_RAW";
    match egress.may_ping() {
        (true, true) => Finding::Fine("may send ICMP over IPv4 and IPv6".to_owned()),
        (true, false) => Finding::Fine("may send ICMP over IPv4, not over IPv6".to_owned()),
        (false, _) => Finding::Absent(format!(
            "may not send ICMP, so that ping monitors say \"We could not look\": {how}"
        )),
    }
}

async fn canaries(settings: &Settings) -> Vec<(&'static str, Finding)> {
    let urls = settings.canary_urls();
    if urls.is_empty() {
        let words = "switched off: a cut of our own network would look like an outage of all targets. \
                     Unset WATCHBELL_CANARIES for the built-in list";
        return vec![("canaries", Finding::Absent(words.to_owned()))];
    }
    let egress = match way_out::for_canaries(settings) {
        Ok(egress) => egress,
        Err(error) => return vec![("canaries", Finding::Broken(format!("{error:#}")))],
    };
    let asked = urls.iter().map(|url| ask_canary(url, &egress));
    let answers = futures::future::join_all(asked).await;
    let silent: Vec<String> = answers.into_iter().filter_map(Result::err).collect();
    let answer = format!("{} of {} answer", urls.len() - silent.len(), urls.len());
    let finding = if silent.is_empty() {
        Finding::Fine(answer)
    } else {
        Finding::Broken(format!("{answer}; {}", silent.join("; ")))
    };
    vec![("canaries", finding)]
}

async fn ask_canary(url: &str, egress: &Egress) -> Result<(), String> {
    let asked = async {
        let base = egress::Trusted::from_operator_configuration(url::Url::parse(url)?);
        let client = ProviderClient::new(egress, &base)?;
        client
            .send("", Request::get(), Instant::now() + LIMIT)
            .await?;
        Ok::<(), anyhow::Error>(())
    };
    asked.await.map_err(|error| format!("{url}: {error:#}"))
}

/// What the workers that run say of themselves.
fn sights(sights: &[Sight]) -> Vec<(&'static str, Finding)> {
    let finding = |sight: &Sight| {
        let name = &sight.name;
        let finding = if sight.blind {
            let since = sight.blind_since.map(|at| format!(" since {at:.0}"));
            Finding::Broken(format!(
                "{name} sees nothing{}: its way out is in trouble, and nothing opens or closes from there",
                since.unwrap_or_default()
            ))
        } else if sight.unchecked {
            Finding::Absent(format!(
                "{name} looks without a self-check: no canary has answered there"
            ))
        } else {
            Finding::Fine(format!("{name} sees, and checks itself"))
        };
        ("region", finding)
    };
    sights.iter().map(finding).collect()
}

fn signup(settings: &Settings) -> Finding {
    match settings.signup {
        Signup::Open if settings.smtp.is_empty() && !settings.is_local() => Finding::Broken(
            "is open without mail: set WATCHBELL_SMTP_URL or WATCHBELL_SIGNUP=closed".to_owned(),
        ),
        Signup::Open => Finding::Fine("open".to_owned()),
        Signup::Invite => Finding::Fine("by invitation".to_owned()),
        Signup::Closed => Finding::Fine("closed".to_owned()),
    }
}
