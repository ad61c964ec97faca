//! The database is killed in the middle of a storm, and comes back: everybody is told all the same.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use domain::alert::storm::ALONE;
use domain::contact::Channel;
use sqlx::PgPool;
use testkit::smtp::Relay;
use testkit::telephony::{Fate, Telephony};
use testkit::{Behaviour, SwitchableSite};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cast::{Cast, What};
use super::oracle;
use crate::database_outage::crash;
use crate::support::program::Settings;
use crate::support::wait;

const LIMIT: Duration = Duration::from_secs(600);
const SECRET: &str = "the key of a story, long enough to be one";
const CHANNELS: [Channel; 3] = [Channel::Email, Channel::Webhook, Channel::Sms];
/// Sends at once of each of the notifier's queues.
const AT_ONCE: usize = 16;
/// Accounts are made and hit side by side.
const SIDES: usize = 4;

/// So many accounts lose so many monitors each at once; how many messages are planned.
async fn break_all(
    pool: &PgPool,
    hooks: &SwitchableSite,
    site: &SwitchableSite,
    (accounts, monitors): (usize, usize),
) -> usize {
    let mut sides = JoinSet::new();
    for side in 0..SIDES {
        let mut cast = Cast::of(pool.clone(), SECRET, hooks.url(""));
        // Nobody has the number of somebody else.
        cast.serial = u32::try_from(side * accounts).expect("a number");
        let url = site.url("/");
        sides.spawn(async move {
            let mut planned = 0;
            for _ in (side..accounts).step_by(SIDES) {
                let members = cast.members(What::Down, &CHANNELS, &url, monitors).await;
                let told = cast.happens(What::Down, &members).await;
                planned += told.iter().map(Vec::len).sum::<usize>();
            }
            planned
        });
    }
    sides.join_all().await.into_iter().sum()
}

#[expect(clippy::print_stdout, reason = "the figures that a soak is run for")]
async fn the_database_dies(accounts: usize, monitors: usize) {
    let (mail, phone) = (Relay::start().await, Telephony::start().await);
    let (hooks, site) = (SwitchableSite::start().await, SwitchableSite::start().await);
    phone.set_fate(Fate::Delivered);
    site.set(Behaviour::Status(502));
    let settings = Settings::embedded().with("SMTP_URL", &mail.url());
    let settings = settings.with_telephony(&phone);
    let server = settings.serve().await;
    let socket = settings.dir.join("var/postgres/run");
    let socket = socket.to_string_lossy().replace('/', "%2F");
    let pool = PgPool::connect(&format!("postgres://watchbell@{socket}/watchbell")).await;
    let pool = pool.expect("a database");
    // All of it is planned before the first is told.
    server.freeze(true).await;
    let planned = break_all(&pool, &hooks, &site, (accounts, monitors)).await;
    assert_eq!(planned, accounts * monitors * CHANNELS.len());
    server.freeze(false).await;
    let began = Instant::now();
    let told = || mail.taken().len() + hooks.posts().len() + phone.messages().len();
    wait::until("some are told", LIMIT, async || {
        (told() > planned / 5).then_some(())
    })
    .await;
    crash(&settings).await;
    let (at, before) = (began.elapsed(), told());
    assert!(before < planned * 9 / 10, "told all but a few: {before}");
    let open = "SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending', 'held')";
    let mut back = None;
    wait::until("all are told", LIMIT, async || {
        let open: i64 = sqlx::query_scalar(open).fetch_one(&pool).await.ok()?;
        back.get_or_insert_with(|| began.elapsed());
        (open == 0).then_some(())
    })
    .await;
    let took = began.elapsed();
    let arrived = oracle::arrivals(&mail, &hooks, &phone);
    let (counts, mut faults) = oracle::judge(&pool, &arrived, &HashMap::new()).await;
    faults.extend(oracle::audit(&pool).await);
    println!("{}", oracle::table("database killed in a storm", &counts));
    println!(
        "{before} of {planned} told when it died after {at:.1?}; back after {:.1?}, all told after {took:.1?}",
        back.unwrap_or_default()
    );
    let unique: HashSet<_> = arrived.iter().collect();
    let duplicates = arrived.len() - unique.len();
    if duplicates > AT_ONCE * CHANNELS.len() {
        faults.push(format!("{duplicates} came twice"));
    }
    // Whoever is told in few messages is, whatever died meanwhile.
    let most = ALONE + 1 + usize::try_from(took.as_secs() / 60).unwrap_or(0);
    let texts = phone.messages();
    let texts = texts
        .iter()
        .map(|one| (one.to.clone(), one.status_callback.clone()));
    let mails = mail.taken();
    let mails = mails
        .iter()
        .map(|one| (one.to.clone(), one.header("Message-ID").map(str::to_owned)));
    let mut heard: HashMap<String, HashSet<Option<String>>> = HashMap::new();
    for (to, id) in texts.chain(mails) {
        heard.entry(to).or_default().insert(id);
    }
    let longest = heard.values().map(HashSet::len).max().unwrap_or(0);
    println!("at most {longest} messages for one contact, of {most}");
    if longest > most || heard.len() != accounts * 2 {
        faults.push(format!(
            "{} were told, one of them {longest} times",
            heard.len()
        ));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_dies_in_a_storm_loses_no_alert() {
    the_database_dies(14, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "make soak"]
async fn a_database_that_dies_in_a_storm_loses_none_of_two_thousand_alerts() {
    the_database_dies(100, 7).await;
}
