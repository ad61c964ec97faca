//! A new version goes out: workers are replaced one after another, and customers do not notice.

use jiff::Timestamp;

use super::scene::{LIMIT, Scene};
use super::settled;

/// Two workers, of which the older is replaced so many times.
async fn replaced(times: usize, monitors: usize) {
    let mut scene = Scene::set().await;
    let mut older = scene.worker().await;
    let mut newer = scene.worker().await;
    scene.watch(monitors, 10).await;
    let begin = Timestamp::now();
    for nth in 0..times {
        if nth == times / 2 {
            scene.target.set_broken("page-0", true);
        }
        assert_eq!(older.process.terminate().await, 0);
        older = std::mem::replace(&mut newer, scene.worker().await);
        scene.shared_by(&[&older, &newer]).await;
        // Half of all have a slot until the next one goes.
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    }
    let took = Timestamp::now().duration_since(begin);
    scene.told("incident.opened", &["page-0"], LIMIT).await;
    scene.target.set_broken("page-0", false);
    scene.told("incident.resolved", &["page-0"], LIMIT).await;
    settled(&scene).await;
    let kept = scene
        .kept(
            &["page-0"],
            begin,
            Timestamp::now() - std::time::Duration::from_secs(6),
        )
        .await;
    eprintln!("{times} replaced in {took:.0?} with {monitors} monitors: {kept:?}");
    kept.is_whole();
    kept.once();
    assert_eq!(scene.only_these_were_down(&["page-0"]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 40 seconds: make soak"]
async fn three_replaced_workers_go_unnoticed() {
    replaced(3, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 3 minutes: make soak"]
async fn twenty_replaced_workers_go_unnoticed() {
    replaced(20, 200).await;
}
