//! What is watched for people without an account: rounds, ends, and what dies in between.

use domain::account::EmailAddress;
use domain::check::{
    Check, Failure, FailureClass, LookResult, Observation, Phase, Verdict, VerdictKind,
};
use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::ids::CheckId;
use domain::monitor::MonitorSpec;
use domain::tools::watch::Outcome;
use domain::tools::{RunId, Tool};
use incidents::links::{self, Again};
use incidents::watches::{self, Begun, Confirmed};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::tool_watches::{self, Target, Watch};
use store::{Secrets, account_messages, tool_looks};
use uuid::Uuid;

const SHOP: Target<'_> = Target {
    tool: Tool::Down,
    target: "https://shop.example/",
    inside: false,
};

struct Desk {
    pool: PgPool,
    secrets: Secrets,
    start: Timestamp,
}

fn address(name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{name}@elsewhere.example")).unwrap()
}

impl Desk {
    /// Regions with a worker each.
    async fn new(pool: PgPool, regions: &[&str]) -> Self {
        jobs::migrate(&pool).await.unwrap();
        let mut c = pool.acquire().await.unwrap();
        for region in regions {
            store::regions::upsert(&mut c, region, region)
                .await
                .unwrap();
            sqlx::query("INSERT INTO workers (id, region, seen_at, started_at) VALUES ($1, $1, 'infinity', now())")
                .bind(region)
                .execute(&mut *c)
                .await
                .unwrap();
        }
        drop(c);
        Self {
            pool,
            secrets: Secrets::new(["a key of sufficient length"]).unwrap(),
            start: "2026-11-22T13:02:00Z".parse().unwrap(),
        }
    }

    fn at(&self, second: i64) -> Timestamp {
        self.start + SignedDuration::from_secs(second)
    }

    async fn c(&self) -> sqlx::pool::PoolConnection<sqlx::Postgres> {
        self.pool.acquire().await.unwrap()
    }

    /// Somebody asks; the watch, when there is one.
    async fn ask(&self, name: &str, of: Target<'_>, second: i64) -> Option<Watch> {
        let (mut c, address) = (self.c().await, address(name));
        watches::ask(&mut c, &self.secrets, of, &address, self.at(second))
            .await
            .unwrap();
        tool_watches::find_same(&mut c, &self.secrets, of, &address)
            .await
            .unwrap()
    }

    async fn confirm(&self, id: Uuid, second: i64) -> Confirmed {
        let looked = (&spec(), "example.shop");
        let mut c = self.c().await;
        watches::confirm(&mut c, &self.secrets, id, looked, self.at(second))
            .await
            .unwrap()
    }

    /// Asked for and confirmed.
    async fn watched(&self, name: &str, second: i64) -> Uuid {
        let id = self.ask(name, SHOP, second).await.unwrap().id;
        assert_eq!(self.confirm(id, second).await, Confirmed::Watched);
        id
    }

    async fn round(&self, second: i64) {
        watches::round(&self.pool, &self.secrets, self.at(second))
            .await
            .unwrap();
    }

    /// Every open look of a round is answered: `None`, nobody answers it.
    async fn answer(&self, second: i64, of: impl Fn(&str) -> Option<Verdict>) {
        let (mut c, now) = (self.c().await, self.at(second));
        for region in self.texts("SELECT id FROM regions").await {
            let Some(verdict) = of(&region) else { continue };
            for taken in tool_looks::take(&mut c, (&region, true), now, 100)
                .await
                .unwrap()
            {
                let result = result(&region, now, &verdict);
                let key = (taken.run_id, region.as_str(), taken.part);
                tool_looks::mark_done(&mut c, key, &result, now)
                    .await
                    .unwrap();
            }
        }
    }

    /// One round, asked for and judged.
    async fn whole(&self, second: i64, of: impl Fn(&str) -> Option<Verdict>) {
        self.round(second).await;
        self.answer(second + 1, of).await;
        self.round(second + 2).await;
    }

    async fn texts(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.unwrap()
    }

    async fn find(&self, id: Uuid) -> Watch {
        let mut c = self.c().await;
        tool_watches::find_by_id(&mut c, id).await.unwrap().unwrap()
    }

    /// Mails not read yet, as a notifier claims them, with whom they go to.
    async fn mails(&self, second: i64) -> Vec<(String, AccountMessage)> {
        let mut c = self.c().await;
        let ids: Vec<Uuid> = sqlx::query_scalar(
            "SELECT id FROM account_messages WHERE state = 'pending' ORDER BY created_at, id",
        )
        .fetch_all(&mut *c)
        .await
        .unwrap();
        let mut mails = Vec::new();
        for id in ids {
            let claimed = account_messages::claim(&mut c, &self.secrets, id, self.at(second))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(claimed.channel, Channel::Email);
            mails.push((claimed.address, claimed.message));
        }
        mails
    }

    async fn words(&self, second: i64) -> Vec<String> {
        let mails = self.mails(second).await;
        let mut words: Vec<String> = mails
            .iter()
            .map(|(to, mail)| format!("{} {to}", mail.template()))
            .collect();
        words.sort();
        words
    }
}

fn spec() -> MonitorSpec {
    MonitorSpec {
        url: Some(SHOP.target.into()),
        ..MonitorSpec::default()
    }
}

fn failure() -> Failure {
    Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused")
}

fn failed(kind: VerdictKind) -> Option<Verdict> {
    Some(Verdict {
        kind,
        failure: Some(failure()),
        ..Verdict::up()
    })
}

fn down() -> Option<Verdict> {
    failed(VerdictKind::Down)
}

fn up() -> Option<Verdict> {
    Some(Verdict::up())
}

fn ours() -> Option<Verdict> {
    failed(VerdictKind::Unknown)
}

fn result(region: &str, now: Timestamp, verdict: &Verdict) -> serde_json::Value {
    let mut seen = Observation::begin(now);
    seen.total_us = 41_000;
    let check = Check::on_request(CheckId::generate(), region, &seen, verdict);
    serde_json::to_value(LookResult::new(check, seen, None)).unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_comes_back_makes_one_mail_to_each_who_waits(pool: PgPool) {
    let desk = Desk::new(pool, &["fra", "iad", "sin"]).await;
    let kim = desk.watched("kim", 0).await;
    let lee = desk.watched("lee", 5).await;
    assert_eq!(
        desk.words(6).await,
        [
            "watch_confirm kim@elsewhere.example",
            "watch_confirm lee@elsewhere.example"
        ]
    );
    // One in three answers well: that is not back, however often.
    for minute in 0..3 {
        let most = |region: &str| if region == "fra" { up() } else { down() };
        desk.whole(10 + minute * 60, most).await;
    }
    desk.whole(190, |_| up()).await;
    assert!(desk.words(200).await.is_empty(), "once is not enough");
    // Our own fault says nothing.
    desk.whole(250, |_| ours()).await;
    desk.whole(310, |_| None).await;
    assert!(desk.words(320).await.is_empty());
    desk.round(400).await;
    desk.whole(430, |region| if region == "sin" { None } else { up() })
        .await;
    assert!(
        desk.words(440).await.is_empty(),
        "one of them may still answer"
    );
    desk.round(500).await;
    let mut mails = desk.mails(500).await;
    mails.sort_by(|(one, _), (two, _)| one.cmp(two));
    let [
        (
            to,
            AccountMessage::WatchBack {
                since,
                back_since,
                seen,
                run,
                token,
                ..
            },
        ),
        (other, _),
    ] = &mails[..]
    else {
        panic!("{mails:?}")
    };
    assert_eq!(
        (to.as_str(), other.as_str()),
        ("kim@elsewhere.example", "lee@elsewhere.example")
    );
    assert_eq!((*since, *back_since), (desk.at(0), desk.at(190)));
    assert_eq!(seen, "an answer after 41 ms, from 2 of 2 regions");
    assert_eq!(token, &tool_watches::token(&desk.secrets, kim));
    for id in [kim, lee] {
        let over = desk.find(id).await;
        assert_eq!(over.ended.map(|(_, outcome)| outcome), Some(Outcome::Back));
        assert_eq!(over.address(&desk.secrets).unwrap(), None);
        assert_eq!(over.run_id.map(|run| run.to_string()).as_ref(), Some(run));
    }
    // Nobody looks any more, what the mail leads to is there, and the other rounds are gone.
    for second in 560..570 {
        desk.round(second).await;
    }
    assert!(desk.words(570).await.is_empty());
    assert!(
        desk.texts("SELECT id::text FROM tool_watch_targets")
            .await
            .is_empty()
    );
    let runs = desk
        .texts("SELECT DISTINCT run_id::text FROM tool_looks")
        .await;
    let run: RunId = run.parse().unwrap();
    assert_eq!(runs, [run.uuid().to_string()]);
    let left = desk.texts("SELECT row_to_json(m)::text FROM account_messages m UNION ALL SELECT row_to_json(w)::text FROM tool_watches w").await;
    assert!(
        left.iter().all(|row| !row.contains("elsewhere")),
        "{left:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nothing_is_looked_at_before_it_is_confirmed(pool: PgPool) {
    let desk = Desk::new(pool, &["fra"]).await;
    let id = desk.ask("kim", SHOP, 0).await.unwrap().id;
    desk.round(60).await;
    assert!(
        desk.texts("SELECT run_id::text FROM tool_looks")
            .await
            .is_empty()
    );
    assert_eq!(desk.confirm(id, 3_600).await, Confirmed::Over, "too late");
    desk.round(3_600).await;
    assert!(
        desk.texts("SELECT id::text FROM tool_watches")
            .await
            .is_empty()
    );
    assert_eq!(desk.confirm(id, 3_601).await, Confirmed::Over);
    assert!(
        desk.texts("SELECT run_id::text FROM tool_looks")
            .await
            .is_empty()
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_dies_in_between_loses_and_doubles_nothing(pool: PgPool) {
    let desk = Desk::new(pool, &["fra"]).await;
    for name in ["kim", "lee", "ada"] {
        desk.watched(name, 0).await;
    }
    desk.mails(1).await;
    desk.whole(10, |_| down()).await;
    desk.whole(70, |_| up()).await;
    // The look was answered, and whoever asked for it is dead: another judges it.
    desk.round(130).await;
    desk.answer(131, |_| up()).await;
    // The commit of the one mail fails for one of the three, so that its worker dies between look and mail.
    let poison = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) FROM account_messages WHERE template = 'watch_back') >= 2 THEN RAISE 'cut'; END IF;
        RETURN NEW; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON account_messages FOR EACH ROW EXECUTE FUNCTION refuse()";
    sqlx::raw_sql(poison).execute(&desk.pool).await.unwrap();
    desk.round(132).await;
    let open = "SELECT id::text FROM tool_watches WHERE ended_at IS NULL";
    assert_eq!(desk.texts(open).await.len(), 1, "the others were told");
    desk.round(133).await;
    assert_eq!(desk.texts(open).await.len(), 1, "it is not lost");
    sqlx::raw_sql("DROP TRIGGER refuse ON account_messages")
        .execute(&desk.pool)
        .await
        .unwrap();
    let (one, two, three) =
        tokio::join!(desk.round_of(134), desk.round_of(134), desk.round_of(134));
    assert!(one && two && three);
    desk.round(135).await;
    assert_eq!(
        desk.words(136).await,
        [
            "watch_back ada@elsewhere.example",
            "watch_back kim@elsewhere.example",
            "watch_back lee@elsewhere.example"
        ]
    );
    let jobs = desk
        .texts("SELECT count(*)::text FROM apalis.jobs WHERE job_type = 'account_message'")
        .await;
    assert_eq!(jobs, ["6"], "three to confirm, three that it is back");
}

impl Desk {
    /// As one of several workers.
    async fn round_of(&self, second: i64) -> bool {
        watches::round(&self.pool, &self.secrets, self.at(second))
            .await
            .is_ok()
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_round_is_asked_for_however_many_workers_there_are(pool: PgPool) {
    let desk = Desk::new(pool, &["fra", "iad"]).await;
    desk.watched("kim", 0).await;
    let all = tokio::join!(
        desk.round_of(0),
        desk.round_of(0),
        desk.round_of(0),
        desk.round_of(0)
    );
    assert!(all.0 && all.1 && all.2 && all.3);
    let looks = "SELECT region FROM tool_looks ORDER BY region";
    assert_eq!(desk.texts(looks).await, ["fra", "iad"]);
    desk.answer(1, |_| down()).await;
    for second in [2, 30, 59] {
        desk.round(second).await;
    }
    let runs = "SELECT DISTINCT run_id::text FROM tool_looks";
    let first = desk.texts(runs).await;
    desk.round(60).await;
    let second = desk.texts(runs).await;
    assert_eq!(
        (first.len(), second.len()),
        (1, 1),
        "once a minute, and the old one is gone"
    );
    assert_ne!(first, second);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn after_a_day_one_mail_says_that_it_stops_and_how_to_go_on(pool: PgPool) {
    let desk = Desk::new(pool, &["fra"]).await;
    let id = desk.watched("kim", 0).await;
    let day = 24 * 3_600;
    desk.mails(1).await;
    desk.whole(day - 60, |_| down()).await;
    desk.round(day - 1).await;
    assert!(desk.words(day - 1).await.is_empty());
    desk.round(day).await;
    desk.round(day + 2).await;
    let mails = desk.mails(day + 3).await;
    let [(to, AccountMessage::WatchStopped { seen, again, .. })] = &mails[..] else {
        panic!("{mails:?}")
    };
    assert_eq!(to, "kim@elsewhere.example");
    let last = (
        "server refuses connections, from our one region".to_owned(),
        desk.at(day - 60),
    );
    assert_eq!(seen.as_ref(), Some(&last));
    assert_eq!(desk.find(id).await.address(&desk.secrets).unwrap(), None);
    // The link of that mail has the address, and needs no more proof.
    let Some(Again::Watch(of, kim)) = links::read_again(&desk.secrets, again, desk.at(day + 9))
    else {
        panic!("a link that works")
    };
    assert_eq!((of, &kim), (id, &address("kim")));
    let begin = async |second: i64| {
        let mut c = desk.c().await;
        let (looked, now) = ((&spec(), "example.shop"), desk.at(second));
        watches::begin_again(&mut c, &desk.secrets, (SHOP, &kim), looked, now)
            .await
            .unwrap()
    };
    let Begun::Watched(token) = begin(day + 9).await else {
        panic!("it begins")
    };
    assert_eq!(
        begin(day + 10).await,
        Begun::Watched(token),
        "twice is once"
    );
    assert!(
        desk.words(day + 10).await.is_empty(),
        "there is nothing to confirm"
    );
    desk.whole(day + 20, |_| up()).await;
    desk.whole(day + 80, |_| up()).await;
    assert_eq!(
        desk.words(day + 90).await,
        ["watch_back kim@elsewhere.example"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn three_at_a_time_and_the_same_is_the_same(pool: PgPool) {
    let desk = Desk::new(pool, &["fra"]).await;
    let of = |target| Target { target, ..SHOP };
    let first = desk.ask("kim", SHOP, 0).await.unwrap();
    assert_eq!(desk.ask("kim", SHOP, 60).await.unwrap().id, first.id);
    assert_eq!(desk.words(61).await.len(), 2, "the mail may have been lost");
    for target in ["https://b.example/", "https://c.example/"] {
        assert!(desk.ask("kim", of(target), 61).await.is_some());
    }
    desk.mails(62).await;
    assert_eq!(desk.ask("kim", of("https://d.example/"), 62).await, None);
    assert!(desk.words(62).await.is_empty());
    assert!(
        desk.ask("lee", of("https://d.example/"), 62)
            .await
            .is_some()
    );
    // Somebody else waits for the same under the same roof: one more does not count.
    desk.watched("ada", 70).await;
    assert_eq!(desk.confirm(first.id, 80).await, Confirmed::Watched);
    assert_eq!(
        desk.confirm(first.id, 80).await,
        Confirmed::Watched,
        "twice is once"
    );
    assert_eq!(
        desk.texts("SELECT id::text FROM tool_watch_targets")
            .await
            .len(),
        1
    );
    // Ended, there is room again.
    let mut c = desk.c().await;
    watches::end(&mut c, first.id, desk.at(90)).await.unwrap();
    assert!(
        desk.ask("kim", of("https://d.example/"), 91)
            .await
            .is_some()
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_ends_it_is_written_to_no_more(pool: PgPool) {
    let desk = Desk::new(pool, &["fra"]).await;
    let unconfirmed = desk.ask("kim", SHOP, 0).await.unwrap().id;
    let mut c = desk.c().await;
    watches::end(&mut c, unconfirmed, desk.at(1)).await.unwrap();
    watches::end(&mut c, unconfirmed, desk.at(2)).await.unwrap();
    assert!(desk.words(2).await.is_empty(), "not even to confirm");
    assert_eq!(desk.confirm(unconfirmed, 3).await, Confirmed::Over);
    let id = desk.watched("kim", 10).await;
    desk.mails(10).await;
    desk.whole(11, |_| up()).await;
    watches::end(&mut c, id, desk.at(30)).await.unwrap();
    desk.whole(75, |_| up()).await;
    assert!(desk.words(90).await.is_empty());
    assert!(
        desk.texts("SELECT id::text FROM tool_watch_targets")
            .await
            .is_empty()
    );
    // Whoever reads the address wants no mails at all.
    let third = desk.watched("kim", 100).await;
    incidents::block_address(
        &mut c,
        &desk.secrets,
        &address("kim"),
        "https://watchbell.example",
        desk.at(101),
    )
    .await
    .unwrap();
    assert_eq!(
        desk.find(third).await.ended.map(|(_, how)| how),
        Some(Outcome::Ended)
    );
    assert_eq!(desk.ask("kim", SHOP, 102).await, None);
    let again = again(&mut c, &desk).await;
    assert_eq!(again, Begun::Refused);
    assert!(desk.words(103).await.is_empty());
}

async fn again(c: &mut PgConnection, desk: &Desk) -> Begun {
    let (looked, kim) = ((&spec(), "example.shop"), address("kim"));
    watches::begin_again(c, &desk.secrets, (SHOP, &kim), looked, desk.at(102))
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_row_that_cannot_be_read_holds_up_no_other(pool: PgPool) {
    let desk = Desk::new(pool, &["fra"]).await;
    let lost = desk.watched("kim", 0).await;
    desk.watched("lee", 0).await;
    let other = Target {
        target: "https://other.example/",
        ..SHOP
    };
    let broken = desk.ask("ada", other, 0).await.unwrap().id;
    desk.confirm(broken, 0).await;
    desk.mails(1).await;
    let spoil = "UPDATE tool_watches SET address = 'v1.gone' WHERE id = $1";
    sqlx::query(spoil)
        .bind(lost)
        .execute(&desk.pool)
        .await
        .unwrap();
    desk.round(2).await;
    let spoil = "UPDATE tool_looks SET done_at = now(), result = '{\"check\":7}' WHERE target = $1";
    sqlx::query(spoil)
        .bind(other.target)
        .execute(&desk.pool)
        .await
        .unwrap();
    desk.answer(3, |_| up()).await;
    desk.round(4).await;
    desk.whole(62, |_| up()).await;
    assert_eq!(desk.words(70).await, ["watch_back lee@elsewhere.example"]);
    let how = desk.find(lost).await.ended.map(|(_, how)| how);
    assert_eq!(how, Some(Outcome::Ended), "nobody could be told");
    assert!(
        desk.find(broken).await.is_open(),
        "it has one good round, and waits for another"
    );
}
