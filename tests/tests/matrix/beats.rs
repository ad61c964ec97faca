//! Heartbeats of the matrix: jobs that call, and jobs that do not.

use domain::heartbeat::{Action, GAP};
use incidents::Pinged;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::cast::{Cast, Member, ago, now};

impl Cast {
    /// Its job calls.
    pub(super) async fn call(&self, member: Member, at: Timestamp) {
        let pinged = Pinged {
            action: Action::SUCCESS,
            rid: None,
            method: "GET".into(),
            address: None,
            user_agent: "curl/8".into(),
            body_bytes: 0,
            body: None,
        };
        let mut transaction = self.pool.begin().await.expect("a database");
        let whose = (member.account, member.monitor);
        incidents::record_ping(&mut transaction, &self.secrets, whose, &pinged, at)
            .await
            .expect("a call");
        transaction.commit().await.expect("a database");
    }

    /// Whether anybody looks for these jobs.
    pub async fn wait_for(&self, members: &[Member], waits: bool) {
        let ids: Vec<Uuid> = members.iter().map(|one| one.monitor.uuid()).collect();
        let statement =
            "UPDATE heartbeats SET due_at = CASE WHEN $2 THEN now() - interval '1 minute' END
             WHERE monitor_id = ANY($1)";
        sqlx::query(statement)
            .bind(ids)
            .bind(waits)
            .execute(&self.pool)
            .await
            .expect("heartbeats");
    }

    /// Every job that is late is found to be.
    pub(super) async fn miss(&mut self) {
        self.be_well().await;
        incidents::decide_heartbeats(&self.pool, &self.secrets, now())
            .await
            .expect("decided");
    }

    /// Our own address was well until now, give or take a second.
    pub async fn be_well(&mut self) {
        let mut at = self.well_until.unwrap_or_else(|| ago(600));
        let end = now();
        if end.duration_since(at) < SignedDuration::from_secs(1) {
            return;
        }
        let mut connection = self.pool.acquire().await.expect("a database");
        while at < end {
            at = (at + SignedDuration::from_secs(4)).min(end);
            store::ingest::beat(&mut connection, "w", GAP, at)
                .await
                .expect("a beat");
        }
        self.well_until = Some(end);
    }
}
