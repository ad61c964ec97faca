//! An account with monitors, and looks at them as a worker would have made them.

use domain::account::Plan;
use domain::check::{Check, Failure, FailureClass, Observation, Phase, Verdict, VerdictKind};
use domain::ids::{AccountId, MonitorId};
use domain::monitor::{Monitor, MonitorSpec};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use store::accounts::NewAccount;
use store::checks::Owned;
use store::{Secrets, accounts, monitors, states};

/// The region that looks.
pub const REGION: &str = "local";
/// Of a thousand looks, how many fail.
const FAILING: u64 = 1;

/// An account and its monitors.
pub struct Sample {
    /// Whose they are.
    pub account: AccountId,
    /// They, in the order of their names.
    pub monitors: Vec<MonitorId>,
    /// What seals their settings.
    pub secrets: Secrets,
}

impl Sample {
    /// Makes `count` HTTPS monitors with an interval of a minute.
    pub async fn create(pool: &PgPool, count: usize, now: Timestamp) -> anyhow::Result<Self> {
        let secrets = Secrets::new(["the key of a bench which is long enough"])
            .ok_or_else(|| anyhow::anyhow!("a key"))?;
        let account = AccountId::generate();
        let mut transaction = store::begin(pool).await?;
        store::regions::upsert(&mut transaction, REGION, "Here").await?;
        let token = account.to_string();
        let new = NewAccount {
            id: account,
            name: "Bench",
            timezone: "UTC",
            practice_token: &token,
            plan: Plan::Enterprise,
        };
        accounts::insert(&mut transaction, &new, now).await?;
        let mut made = Vec::with_capacity(count);
        for number in 0..count {
            let monitor = monitor(account, number, now);
            monitors::insert(&mut transaction, &secrets, &monitor).await?;
            states::insert(
                &mut transaction,
                account,
                monitor.id,
                &states::Stored::new(now),
            )
            .await?;
            made.push(monitor.id);
        }
        transaction.commit().await?;
        Ok(Self {
            account,
            monitors: made,
            secrets,
        })
    }

    /// What a worker would store of the minute that begins at `minute`, for the first `count` of them.
    pub fn minute(&self, minute: Timestamp, count: usize) -> Vec<Owned> {
        let of = self.monitors.iter().take(count).enumerate();
        of.map(|(number, &monitor)| {
            let phase = SignedDuration::from_micros(59_993 * i64::try_from(number).unwrap_or(0));
            Owned {
                account_id: self.account,
                monitor_id: monitor,
                check: look(monitor, number as u64, minute + phase),
            }
        })
        .collect()
    }
}

fn monitor(account: AccountId, number: usize, now: Timestamp) -> Monitor {
    Monitor {
        id: MonitorId::generate(),
        account_id: account,
        spec: MonitorSpec {
            name: Some(format!("Shop {number:05}")),
            url: Some(format!("https://shop-{number}.example/health")),
            interval_seconds: Some(60),
            tags: Some(vec!["shop".to_owned(), format!("team-{}", number % 20)]),
            ..MonitorSpec::default()
        },
        config_version: 1,
        paused_at: None,
        deleted_at: None,
        created_at: now,
        updated_at: now,
    }
}

/// A number that looks random and is the same in every run.
fn scattered(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn look(monitor: MonitorId, number: u64, slot: Timestamp) -> Check {
    let chance = scattered(number ^ slot.as_microsecond().unsigned_abs());
    let between = |shift: u32, least: u64, most: u64| {
        u32::try_from(least + (chance >> shift & 0xffff) * (most - least) / 0xffff).unwrap_or(0)
    };
    let mut seen = Observation::begin(slot + SignedDuration::from_micros((chance & 0xfff) as i64));
    // A name is resolved anew once in five looks; a monitor has its own distance.
    let distance = 1 + scattered(number) % 8;
    let mut spent = vec![
        (Phase::Connect, between(8, 2_000, 4_000) * distance as u32),
        (Phase::Tls, between(12, 4_000, 9_000) * distance as u32),
        (Phase::Send, between(16, 20, 60)),
        (
            Phase::FirstByte,
            between(20, 9_000, 60_000) * distance as u32,
        ),
        (Phase::Body, between(24, 100, 3_000)),
    ];
    if chance.is_multiple_of(5) {
        spent.push((Phase::Dns, between(28, 500, 30_000)));
    }
    for (phase, us) in spent {
        seen.phases.add(phase, us);
        seen.total_us += u64::from(us);
    }
    let failing = chance % 1_000 < FAILING;
    let verdict = Verdict {
        kind: if failing {
            VerdictKind::Down
        } else {
            VerdictKind::Up
        },
        failure: failing
            .then(|| Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused")),
        attribution: None,
        reason: None,
    };
    let mut check = Check::on_timetable(monitor, REGION, slot, &seen, &verdict);
    check.http_status = (!failing).then_some(200);
    check.address = format!("192.0.2.{}:443", number % 256).parse().ok();
    check
}
