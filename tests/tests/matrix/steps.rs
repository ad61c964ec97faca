//! Policies of the matrix: an outage that nobody takes goes on.

use domain::alert::policy::{Policy, Step};
use domain::contact::Channel;
use domain::ids::{AccountId, ContactId, IncidentId};
use uuid::Uuid;

use super::cast::{Cast, Member, What, now};

/// Seconds until the second step, or a reminder: nobody comes to it by waiting.
const WAIT: u32 = 3_600;

impl Cast {
    /// Of an outage the first contact hears by the second step, the others by the first and again by the
    /// second. Where there is only one, a mail goes before it. `Reminder`: one step, and reminders.
    pub(super) async fn write_policy(
        &self,
        what: What,
        account: AccountId,
        contacts: Vec<ContactId>,
    ) {
        let step = |delay_seconds, contact_ids| Step {
            delay_seconds,
            contact_ids,
            ..Step::default()
        };
        let (steps, reminder_seconds) = match what {
            What::Down | What::Up | What::Missed => return,
            What::Reminder => (vec![step(0, contacts)], Some(WAIT)),
            What::Step => {
                let mut first: Vec<ContactId> = contacts.iter().skip(1).copied().collect();
                if first.is_empty() {
                    first.push(self.contact(account, Channel::Email, now()).await);
                }
                (vec![step(0, first), step(WAIT, contacts)], None)
            }
        };
        let policy = Policy {
            steps: Some(steps),
            reminder_seconds,
            ..Policy::default_of(account)
        };
        let mut connection = self.pool.acquire().await.expect("a database");
        store::policies::save(&mut connection, account, &policy, now())
            .await
            .expect("a policy");
    }

    /// What comes next of their outages is due now.
    pub async fn end_waits(&self, members: &[Member]) {
        let ids: Vec<Uuid> = members.iter().map(|one| one.monitor.uuid()).collect();
        let statement = "UPDATE escalations e SET since = since - interval '61 minutes',
               reminder_at = reminder_at - interval '61 minutes', next_at = next_at - interval '61 minutes'
             FROM incidents i WHERE i.account_id = e.account_id AND i.id = e.incident_id AND i.monitor_id = ANY ($1)";
        sqlx::query(statement)
            .bind(ids)
            .execute(&self.pool)
            .await
            .expect("escalations");
    }

    /// A job goes on with it, as one does when it is due.
    pub async fn wake(&self, member: Member) {
        let job = jobs::Escalate {
            account_id: member.account,
            incident_id: self.incident(member).await,
        };
        let mut connection = self.pool.acquire().await.expect("a database");
        jobs::enqueue(&mut connection, &job, None)
            .await
            .expect("a job");
    }

    /// The outage of its monitor.
    pub async fn incident(&self, member: Member) -> IncidentId {
        let id: Uuid = sqlx::query_scalar("SELECT id FROM incidents WHERE monitor_id = $1")
            .bind(member.monitor.uuid())
            .fetch_one(&self.pool)
            .await
            .expect("an outage");
        IncidentId::from_uuid(id)
    }
}
