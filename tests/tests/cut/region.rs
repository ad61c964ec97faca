//! One region of three cannot see: it has no vote, and the two others decide without it.

use std::time::Duration;

use testkit::Behaviour;

use super::scene::{Cast, LIMIT, OURS, Scene, Trouble};
use crate::support::wait;

const THREE: Cast = Cast {
    anchors: 5,
    monitors: 20,
    named: false,
    others: &["iad", "syd"],
};

async fn one_region_cannot_see(trouble: Trouble, lasts: Duration) {
    let Some(scene) = Scene::set(THREE).await else {
        return;
    };
    if let Err(why) = scene.harm(trouble).await {
        eprintln!("skipped: this machine cannot lose packets ({why})");
        return;
    }
    scene.blind(256).await;
    tokio::time::sleep(lasts).await;
    scene.nobody_is_alarmed().await;
    let all = scene.count("SELECT count(*) FROM monitors").await;
    let up = i64::try_from(scene.shown("up").await).unwrap();
    assert_eq!(up, all, "the two others see");

    // Every monitor of it really breaks: both that see agree, and that is a majority of those who do.
    let broken = jiff::Timestamp::now();
    scene.site.set(Behaviour::Status(503));
    let down = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL";
    wait::until("all are down", LIMIT, async || {
        (scene.count(down).await == all - 1).then_some(())
    })
    .await;
    let took = jiff::Timestamp::now().duration_since(broken);
    if matches!(trouble, Trouble::Cut) {
        let open = scene.api.get("/incidents?status=open&limit=100").await;
        for incident in open["data"].as_array().unwrap() {
            let path = format!("/incidents/{}", incident["id"].as_str().unwrap());
            let vote = scene.api.get(&path).await["vote"].clone();
            let voted = vote["regions"].as_array().unwrap().iter();
            assert!(
                vote["of"] == 2 && voted.clone().all(|line| line["region"] != OURS),
                "{vote}"
            );
        }
    }
    scene.mail.wait_for("Down:", LIMIT).await;
    scene.mend(trouble).await;
    scene.blind(0).await;
    scene.site.set(Behaviour::Fine);
    wait::until("all are up again", LIMIT, async || {
        (scene.count(down).await == 0).then_some(())
    })
    .await;
    eprintln!(
        "{trouble:?} in one region of three, {} s blind there: nobody alarmed; what then broke was told by the two \
         others after {took:.1?}",
        scene.blind_seconds().await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_region_has_no_vote_and_the_others_decide() {
    one_region_cannot_see(Trouble::Cut, Duration::from_secs(15)).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 20 minutes: make soak"]
async fn a_region_dead_for_sixteen_minutes_has_no_vote() {
    one_region_cannot_see(Trouble::Cut, Duration::from_secs(16 * 60)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lossy_region_abstains_and_the_others_decide() {
    one_region_cannot_see(Trouble::Loss(30), Duration::from_secs(20)).await;
}
