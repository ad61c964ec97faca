//! The wire of a worker is cut, for real: a network namespace whose only way out is a virtual wire.
//! So is its resolver, so is every third packet, so is one region of three. Where this machine allows
//! none, these stories say so and end.

mod liar;
mod region;
mod scene;

use std::time::Duration;

use testkit::Behaviour;

use scene::{Cast, Scene, Trouble};

const ALONE: Cast = Cast {
    monitors: 50,
    anchors: 5,
    named: false,
    others: &[],
};

impl Scene {
    /// Harms the line, waits, mends it; nobody hears of it but of the one that died meanwhile.
    async fn nothing_is_seen_for(&self, trouble: Trouble, lasts: Duration) {
        let harmed = jiff::Timestamp::now();
        self.harm(trouble).await.unwrap();
        self.blind(256).await;
        let noticed = jiff::Timestamp::now().duration_since(harmed);
        self.dying.set(Behaviour::Refuse);
        tokio::time::sleep(lasts).await;
        self.nobody_is_alarmed().await;
        let monitors = self.count("SELECT count(*) FROM monitors").await;
        let shown = i64::try_from(self.shown("unknown").await).unwrap();
        assert_eq!(shown, monitors.min(200), "shown as unknown");

        let back = jiff::Timestamp::now();
        self.mend(trouble).await;
        self.blind(0).await;
        let sure = self.only_what_died_is_told(back).await;
        let slowest = self.all_looked_at_since(back).await;
        assert_eq!(self.mail.all().len(), 1, "and one mail");
        let gone = back.duration_since(harmed).as_secs();
        eprintln!(
            "{trouble:?} for {gone} s, noticed after {noticed:.1?}; blind for {} s; {monitors} monitors looked at \
             {slowest:.1} s after the return; what died is sure {sure} s after it; 1 incident and 1 message, of what died",
            self.blind_seconds().await
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_wire_alarms_nobody() {
    if let Some(scene) = Scene::set(ALONE).await {
        let lasts = Duration::from_secs(20);
        scene.nothing_is_seen_for(Trouble::Cut, lasts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 20 minutes: make soak"]
async fn a_wire_cut_for_sixteen_minutes_alarms_nobody() {
    let cast = Cast {
        monitors: 200,
        ..ALONE
    };
    if let Some(scene) = Scene::set(cast).await {
        let lasts = Duration::from_secs(16 * 60);
        scene.nothing_is_seen_for(Trouble::Cut, lasts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolver_that_dies_alone_alarms_nobody() {
    let cast = Cast {
        named: true,
        ..ALONE
    };
    if let Some(scene) = Scene::set(cast).await {
        let lasts = Duration::from_secs(20);
        scene.nothing_is_seen_for(Trouble::Names, lasts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 20 minutes: make soak"]
async fn a_resolver_dead_for_sixteen_minutes_alarms_nobody() {
    let cast = Cast {
        monitors: 200,
        named: true,
        ..ALONE
    };
    if let Some(scene) = Scene::set(cast).await {
        let lasts = Duration::from_secs(16 * 60);
        scene.nothing_is_seen_for(Trouble::Names, lasts).await;
    }
}

/// On a line that loses packets a look may well succeed, so sight comes and goes; what is asked is that
/// nobody is alarmed meanwhile, that the time is known as blind, and that it is over afterwards.
async fn a_third_of_the_packets_are_lost(cast: Cast, lasts: Duration) {
    // Of five anchors three are silent now and then by chance, which is a cut and not a loss.
    let cast = Cast {
        anchors: 25,
        ..cast
    };
    let Some(scene) = Scene::set(cast).await else {
        return;
    };
    let (trouble, begun) = (Trouble::Loss(30), jiff::Timestamp::now());
    if let Err(why) = scene.harm(trouble).await {
        eprintln!("skipped: this machine cannot lose packets ({why})");
        return;
    }
    scene.blind(256).await;
    let noticed = jiff::Timestamp::now().duration_since(begun);
    tokio::time::sleep(lasts).await;
    scene.nobody_is_alarmed().await;
    scene.blind(256).await;
    // What dies now is told once sight is back, and nothing else is.
    let back = jiff::Timestamp::now();
    scene.dying.set(Behaviour::Refuse);
    scene.mend(trouble).await;
    scene.blind(0).await;
    let sure = scene.only_what_died_is_told(back).await;
    let slowest = scene.all_looked_at_since(back).await;
    assert_eq!(scene.mail.all().len(), 1, "and one mail");
    let (lost, failed) = (
        "SELECT count(*) FROM blind_intervals WHERE reason = 'loss'",
        "SELECT count(*) FROM checks WHERE verdict NOT IN (0, 1)",
    );
    assert!(scene.count(lost).await >= 256, "told as loss");
    eprintln!(
        "a third of the packets lost for {} s, noticed after {noticed:.1?}; {} looks failed; blind times {}, the \
         longest {} s; looked at {slowest:.1} s after the return; what died is sure {sure} s after it; 1 incident and 1 message, of \
         what died",
        back.duration_since(begun).as_secs(),
        scene.count(failed).await,
        scene
            .count("SELECT count(*) / 256 FROM blind_intervals")
            .await,
        scene.blind_seconds().await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_loses_a_third_of_its_packets_alarms_nobody() {
    a_third_of_the_packets_are_lost(ALONE, Duration::from_secs(30)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 20 minutes: make soak"]
async fn a_third_of_the_packets_lost_for_sixteen_minutes_alarms_nobody() {
    let cast = Cast {
        monitors: 200,
        ..ALONE
    };
    a_third_of_the_packets_are_lost(cast, Duration::from_secs(16 * 60)).await;
}
