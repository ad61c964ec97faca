//! Outages behind outages: one message, nothing lost, nothing that waits for ever.

use domain::alert::dependency::WAITS;
use domain::check::VerdictKind::{self, Down, Up};
use domain::contact::Channel;
use domain::ids::{IncidentId, MonitorId};
use domain::monitor::{Monitor, MonitorSpec};
use incidents::{Looked, Recorded, decide_held, record_look};
use sqlx::PgPool;

use crate::world::World;

/// The world's monitor is the parent; children hang behind it.
struct Tree {
    world: World,
}

impl Tree {
    async fn new(pool: PgPool) -> Self {
        let world = World::new(pool).await;
        world.contact("ana", Channel::Email, true).await;
        Self { world }
    }

    fn router(&self) -> MonitorId {
        self.world.monitor.id
    }

    async fn behind(&self, name: &str, parents: &[MonitorId]) -> MonitorId {
        let world = &self.world;
        let id = world.another_monitor(name).await;
        self.depend(id, name, parents).await;
        let recorded = self.look(id, 0, Up).await;
        assert!(!recorded.stale);
        id
    }

    async fn depend(&self, id: MonitorId, name: &str, parents: &[MonitorId]) {
        let world = &self.world;
        let monitor = Monitor {
            id,
            spec: MonitorSpec {
                name: Some(name.into()),
                depends_on: Some(parents.to_vec()),
                ..world.monitor.spec.clone()
            },
            ..world.monitor.clone()
        };
        let mut connection = world.pool.acquire().await.unwrap();
        store::monitors::update(&mut connection, &world.secrets, &monitor)
            .await
            .unwrap();
    }

    fn looked(&self, id: MonitorId, second: i64, kind: VerdictKind) -> Looked {
        let mut looked = self.world.looked("local", second, kind);
        looked.monitor_id = id;
        looked.shard = i16::from(id.uuid().as_bytes()[15]);
        looked
    }

    async fn look(&self, id: MonitorId, second: i64, kind: VerdictKind) -> Recorded {
        self.world.record(&self.looked(id, second, kind)).await
    }

    /// Three looks, three seconds apart; what the last one brought.
    async fn three(&self, id: MonitorId, from: i64, kind: VerdictKind) -> Recorded {
        self.look(id, from, kind).await;
        self.look(id, from + 3, kind).await;
        self.look(id, from + 6, kind).await
    }

    async fn sweep(&self, second: i64) -> usize {
        let world = &self.world;
        decide_held(&world.pool, &world.secrets, world.at(second))
            .await
            .unwrap()
    }

    async fn suppressed_by(&self, id: MonitorId) -> Option<MonitorId> {
        let mut connection = self.world.pool.acquire().await.unwrap();
        let stored = store::states::find(&mut connection, self.world.account, id)
            .await
            .unwrap()
            .unwrap();
        stored.suppressed_by()
    }

    async fn is_held(&self, id: MonitorId) -> bool {
        let held = format!(
            "monitor_states WHERE held_since IS NOT NULL AND monitor_id = '{}'",
            id.uuid()
        );
        self.world.count(&held).await == 1
    }

    async fn incidents_of(&self, id: MonitorId) -> Vec<IncidentId> {
        let ids = format!(
            "SELECT id::text FROM incidents WHERE monitor_id = '{}' ORDER BY id",
            id.uuid()
        );
        let ids = self.world.texts(&ids).await;
        ids.iter()
            .map(|id| IncidentId::from_uuid(id.parse().unwrap()))
            .collect()
    }

    async fn requests_for(&self, id: MonitorId) -> i64 {
        let asked = format!("look_requests WHERE monitor_id = '{}'", id.uuid());
        self.world.count(&asked).await
    }

    async fn behind_names(&self, incident: IncidentId) -> Vec<String> {
        let mut connection = self.world.pool.acquire().await.unwrap();
        let account = self.world.account;
        let (list, _) =
            store::dependencies::list_suppressed(&mut connection, account, incident, 50)
                .await
                .unwrap();
        list.into_iter().map(|one| one.name).collect()
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_child_of_what_is_down_is_in_its_incident_and_has_none(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    let router = tree.world.outage().await;
    let recorded = tree.three(shop, 70, Down).await;
    assert_eq!((recorded.opened, recorded.held), (None, true));
    assert_eq!(tree.suppressed_by(shop).await, Some(tree.router()));
    assert_eq!(tree.behind_names(router).await, ["Shop"]);
    let timeline = tree.world.timeline(router).await;
    assert!(
        timeline
            .contains(&"suppressed: Behind it: Shop. Nobody is told of these apart.".to_owned()),
        "{timeline:?}"
    );
    // Looks go on, and its time counts as down.
    let down = "status_intervals WHERE status = 'down' AND ended_at IS NULL";
    assert_eq!(tree.world.count(down).await, 2);
    // Swept for as long as it lasts, nothing comes of it.
    assert_eq!(tree.sweep(80).await + tree.sweep(4_000).await, 0);
    assert_eq!(tree.world.count("deliveries").await, 1);
    assert_eq!(tree.requests_for(shop).await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_child_that_is_down_after_its_parent_is_told_with_its_own_beginning(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.world.outage().await;
    tree.three(shop, 70, Down).await;
    // A look from before the recovery says nothing, nor does one before it was asked for.
    tree.world.recovery().await;
    assert_eq!(tree.look(shop, 127, Down).await.opened, None);
    assert_eq!(tree.sweep(128).await, 0);
    assert_eq!(tree.requests_for(shop).await, 1);
    let recorded = tree.look(shop, 129, Down).await;
    let incident = tree.world.incident(recorded.opened.unwrap()).await;
    assert_eq!(incident.first_failure_at, tree.world.at(70));
    let timeline = tree.world.timeline(incident.id).await;
    assert!(
        timeline
            .iter()
            .any(|line| line.contains("It broke behind shop.example")),
        "{timeline:?}"
    );
    assert_eq!(tree.suppressed_by(shop).await, None);
    assert_eq!(tree.sweep(200).await, 0);
    assert_eq!(tree.incidents_of(shop).await.len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_child_that_came_back_with_its_parent_is_never_mentioned(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    let router = tree.world.outage().await;
    tree.three(shop, 70, Down).await;
    tree.world.recovery().await;
    tree.sweep(128).await;
    tree.three(shop, 129, Up).await;
    assert_eq!(tree.sweep(200).await, 0);
    assert_eq!(tree.incidents_of(shop).await, []);
    assert!(!tree.is_held(shop).await);
    // It stays in the list of what was down behind it.
    assert_eq!(tree.behind_names(router).await, ["Shop"]);
    let open = "suppressions WHERE ended_at IS NULL";
    assert_eq!(tree.world.count(open).await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_first_failing_look_has_the_parent_looked_at(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.look(shop, 70, Down).await;
    assert_eq!(tree.requests_for(tree.router()).await, 1);
    tree.look(shop, 73, Down).await;
    assert_eq!(tree.requests_for(tree.router()).await, 1);
    // It answers well before the child is sure: nothing waits.
    let done = format!(
        "UPDATE look_requests SET taken_at = '{}', done_at = '{}', result = '{{\"check\":{{\"verdict\":\"up\"}}}}'",
        tree.world.at(71),
        tree.world.at(72)
    );
    tree.world.sql(&done).await;
    assert!(tree.look(shop, 76, Down).await.opened.is_some());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_child_that_is_sure_first_waits_for_its_parent(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.look(tree.router(), 71, Down).await;
    let recorded = tree.three(shop, 70, Down).await;
    assert_eq!((recorded.opened, recorded.held), (None, true));
    // It is not known yet: shown as down, not as behind it.
    assert_eq!(tree.suppressed_by(shop).await, None);
    assert_eq!(tree.sweep(77).await, 0);
    tree.look(tree.router(), 74, Down).await;
    let router = tree.look(tree.router(), 78, Down).await.opened.unwrap();
    assert_eq!(tree.sweep(79).await, 0);
    assert_eq!(tree.suppressed_by(shop).await, Some(tree.router()));
    assert_eq!(tree.behind_names(router).await, ["Shop"]);
    assert_eq!(tree.world.count("incidents").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_child_whose_parent_turns_out_well_is_told_at_once(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.look(tree.router(), 71, Down).await;
    tree.three(shop, 70, Down).await;
    tree.three(tree.router(), 74, Up).await;
    assert_eq!(tree.sweep(81).await, 1);
    let incident = tree.incidents_of(shop).await[0];
    let timeline = tree.world.timeline(incident).await;
    assert!(
        !timeline.iter().any(|line| line.contains("behind")),
        "{timeline:?}"
    );
}

/// Whoever was to decide is dead, and the parent never answers: the deadline is in the row.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_child_waits_no_longer_than_it_may(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.three(shop, 70, Down).await;
    assert!(tree.is_held(shop).await);
    let last = 76 + WAITS.as_secs();
    assert_eq!(tree.sweep(last - 1).await, 0);
    assert_eq!(tree.sweep(last).await, 1);
    let incident = tree.world.incident(tree.incidents_of(shop).await[0]).await;
    assert_eq!(incident.first_failure_at, tree.world.at(70));
    assert_eq!(tree.world.count("deliveries").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_incident_that_is_open_goes_on_and_ends_as_usual(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.three(shop, 20, Down).await;
    tree.sweep(60).await;
    let own = tree.incidents_of(shop).await;
    assert_eq!(own.len(), 1);
    let router = tree.world.outage().await;
    assert_eq!(tree.behind_names(router).await, [""; 0]);
    let recorded = tree.three(shop, 90, Up).await;
    assert_eq!(recorded.closed, Some(own[0]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_parent_that_is_paused_or_ended_by_hand_holds_nothing(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    let router = tree.world.outage().await;
    tree.three(shop, 70, Down).await;
    let world = &tree.world;
    let mut tx = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    incidents::resolve(
        &mut tx,
        world.account,
        router,
        &world.ana(),
        true,
        world.at(90),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    tree.sweep(91).await;
    assert_eq!(tree.requests_for(shop).await, 1);
    assert!(tree.look(shop, 92, Down).await.opened.is_some());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_parent_that_is_paused_lets_go_of_its_children(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.world.outage().await;
    tree.three(shop, 70, Down).await;
    let world = &tree.world;
    let mut tx = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    incidents::pause_monitor(
        &mut tx,
        world.account,
        tree.router(),
        &world.ana(),
        world.at(90),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    tree.sweep(91).await;
    // The look that was asked for never comes: what was seen last counts.
    assert_eq!(tree.sweep(91 + 26).await, 1);
    assert_eq!(tree.incidents_of(shop).await.len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_chain_stands_behind_its_end(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let switch = tree.behind("Switch", &[tree.router()]).await;
    let shop = tree.behind("Shop", &[switch]).await;
    let router = tree.world.outage().await;
    tree.three(switch, 70, Down).await;
    tree.three(shop, 71, Down).await;
    assert_eq!(tree.suppressed_by(shop).await, Some(tree.router()));
    assert_eq!(tree.behind_names(router).await, ["Shop", "Switch"]);
    // The end works again, the middle does not: it is told, and the rest is behind that.
    tree.world.recovery().await;
    tree.sweep(128).await;
    let opened = tree.look(switch, 129, Down).await.opened.unwrap();
    tree.sweep(131).await;
    assert_eq!(tree.suppressed_by(shop).await, Some(switch));
    assert_eq!(tree.behind_names(opened).await, ["Shop"]);
    assert_eq!(tree.incidents_of(shop).await, []);
    // And a middle that was told before its own parent failed keeps what is behind it.
    let timeline = tree.world.timeline(opened).await;
    assert!(
        timeline.iter().any(|line| line.contains("Behind it: Shop")),
        "{timeline:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dependency_that_is_taken_out_lets_go(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.world.outage().await;
    tree.three(shop, 70, Down).await;
    let world = &tree.world;
    let mut connection = world.pool.acquire().await.unwrap();
    let find = store::monitors::find(&mut connection, &world.secrets, world.account, shop);
    let before = find.await.unwrap().unwrap();
    drop(connection);
    tree.depend(shop, "Shop", &[]).await;
    let mut after = before.clone();
    after.spec.depends_on = None;
    let mut tx = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    incidents::edit_monitor(&mut tx, (&before, &after), &world.ana(), world.at(90))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    tree.sweep(91).await;
    assert!(tree.look(shop, 92, Down).await.opened.is_some());
    assert_eq!(
        tree.world
            .count("suppressions WHERE ended_at IS NULL")
            .await,
        0
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_parent_in_maintenance_holds_what_is_behind_it(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    tree.world
        .sql(&format!(
            "INSERT INTO maintenance_occurrences (account_id, id, window_id, name, starts_at, ends_at, all_monitors, monitor_ids)
             VALUES ('{}', gen_random_uuid(), gen_random_uuid(), 'Deploy', '{}', '{}', false, ARRAY['{}'::uuid])",
            tree.world.account.uuid(),
            tree.world.at(30),
            tree.world.at(100),
            tree.router().uuid()
        ))
        .await;
    tree.three(tree.router(), 60, Down).await;
    tree.three(shop, 70, Down).await;
    assert_eq!(tree.suppressed_by(shop).await, Some(tree.router()));
    assert_eq!(tree.world.count("incidents").await, 0);
    // The window ends and the router is still down: it is told, with what is behind it.
    tree.sweep(101).await;
    let router = tree.look(tree.router(), 102, Down).await.opened.unwrap();
    assert_eq!(tree.behind_names(router).await, ["Shop"]);
    let timeline = tree.world.timeline(router).await;
    assert!(
        timeline.iter().any(|line| line.contains("Behind it: Shop")),
        "{timeline:?}"
    );
    assert_eq!(tree.sweep(104).await, 0);
    assert_eq!(tree.world.count("incidents").await, 1);
}

/// Two who read each other's monitors and write their own: nobody waits for the other, and whoever wins,
/// the shop has no message of its own.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn parent_and_child_recorded_at_once_never_wait_for_each_other(pool: PgPool) {
    let tree = Tree::new(pool).await;
    for round in 0..25 {
        let shop = tree
            .behind(&format!("Shop {round}"), &[tree.router()])
            .await;
        let from = 1_000 + round * 400;
        for second in [from, from + 3] {
            tree.look(tree.router(), second, Down).await;
            tree.look(shop, second, Down).await;
        }
        let (parent, child) = (
            tree.looked(tree.router(), from + 6, Down),
            tree.looked(shop, from + 6, Down),
        );
        let world = &tree.world;
        let record = |looked: Looked| {
            let at = looked.look.finished_at;
            async move {
                record_look(&world.pool, &world.secrets, &looked, at)
                    .await
                    .unwrap()
            }
        };
        let (up, down) = tokio::join!(record(parent), record(child));
        assert!(up.opened.is_some(), "round {round}");
        assert_eq!(down.opened, None, "round {round}");
        tree.sweep(from + 8).await;
        assert_eq!(tree.suppressed_by(shop).await, Some(tree.router()));
        assert_eq!(tree.behind_names(up.opened.unwrap()).await.len(), 1);
        tree.three(tree.router(), from + 20, Up).await;
        tree.sweep(from + 28).await;
        tree.three(shop, from + 30, Up).await;
        // Far enough apart not to flap.
        tree.world
            .sql("DELETE FROM status_intervals WHERE ended_at IS NOT NULL")
            .await;
    }
    assert_eq!(tree.world.count("incidents").await, 25);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_takes_the_parent_does_not_take_what_is_still_down_after_it(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let shop = tree.behind("Shop", &[tree.router()]).await;
    let router = tree.world.outage().await;
    tree.three(shop, 70, Down).await;
    let world = &tree.world;
    let mut connection = world.pool.acquire().await.unwrap();
    incidents::acknowledge(
        &mut connection,
        world.account,
        router,
        &world.ana(),
        world.at(90),
    )
    .await
    .unwrap();
    // Of what is held nobody is told, before and after.
    assert_eq!(tree.sweep(95).await, 0);
    assert!(tree.is_held(shop).await);
    assert_eq!(tree.incidents_of(shop).await, []);
    // The router works again and the shop does not: that is its own outage, and nobody has it.
    tree.three(tree.router(), 120, Up).await;
    tree.sweep(130).await;
    tree.three(shop, 140, Down).await;
    let own = tree.incidents_of(shop).await;
    assert_eq!(own.len(), 1);
    assert_eq!(world.incident(own[0]).await.acknowledged_at, None);
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.opened'")
            .await,
        2
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_storm_tells_of_parents_and_of_no_child_that_is_held(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let mut children = Vec::new();
    for number in 0..8 {
        let router = tree.behind(&format!("Router {number}"), &[]).await;
        let shop = tree.behind(&format!("Shop {number}"), &[router]).await;
        tree.three(router, 70, Down).await;
        children.push(shop);
    }
    for shop in &children {
        tree.three(*shop, 80, Down).await;
    }
    for shop in children {
        assert!(tree.is_held(shop).await);
        assert_eq!(tree.incidents_of(shop).await, []);
    }
    assert_eq!(tree.world.count("deliveries").await, 8);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_parent_with_very_many_children_lets_go_of_all_at_once(pool: PgPool) {
    let tree = Tree::new(pool).await;
    let world = &tree.world;
    let other = tree.behind("Other", &[]).await;
    let child = tree.behind("Shop", &[tree.router(), other]).await;
    let only = tree.behind("Blog", &[tree.router()]).await;
    world
        .sql(&format!(
            "INSERT INTO monitors (account_id, id, kind, name, host, spec, interval_seconds, tags, config_version,
                 created_at, updated_at, depends_on, severity)
             SELECT account_id, gen_random_uuid(), kind, name, host, spec, interval_seconds, tags, config_version,
                 created_at, updated_at, depends_on, severity
             FROM monitors, generate_series(1, 3000) WHERE id = '{}'",
            only.uuid()
        ))
        .await;
    let mut connection = world.pool.acquire().await.unwrap();
    let router = tree.router();
    let freed =
        store::dependencies::forget_parent(&mut connection, world.account, router, world.at(9));
    assert_eq!(freed.await.unwrap(), 3_002);
    let mut read = async |id| {
        store::monitors::find(&mut connection, &world.secrets, world.account, id)
            .await
            .unwrap()
            .unwrap()
    };
    let (child, only) = (read(child).await, read(only).await);
    assert_eq!(child.spec.depends_on, Some(vec![other]));
    assert_eq!(only.spec.depends_on, None);
    assert_eq!((child.config_version, only.config_version), (2, 2));
    assert_eq!(
        world
            .count("monitors WHERE spec ->> 'url' = 'https://shop.example/'")
            .await,
        3_004
    );
}
