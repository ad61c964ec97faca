//! Who can be told: the members and contacts of an account by their names.

use domain::contact::{Contact, phone};
use domain::ids::AccountId;
use domain::oncall::Participant;
use sqlx::PgConnection;
use store::memberships::Member;

use crate::state::AppState;

/// Members and contacts of an account.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Members, the oldest first.
    pub members: Vec<Member>,
    /// Contacts, the oldest first.
    pub contacts: Vec<Contact>,
}

impl People {
    /// Reads them. People are not an account's rows, so this is not under its fence.
    pub async fn read(state: &AppState, account: AccountId) -> Result<Self, store::Error> {
        let mut connection = state.pool.acquire().await?;
        Self::of(&mut connection, account).await
    }

    async fn of(connection: &mut PgConnection, account: AccountId) -> Result<Self, store::Error> {
        Ok(Self {
            members: store::memberships::list_people(connection, account).await?,
            contacts: store::contacts::list(connection, account).await?,
        })
    }

    /// What somebody is called.
    pub fn name(&self, who: Participant) -> &str {
        match who {
            Participant::Member(id) => self
                .members
                .iter()
                .find(|member| member.id == id)
                .map_or("somebody who is gone", Member::called),
            Participant::Contact(id) => self
                .contacts
                .iter()
                .find(|contact| contact.id == id)
                .map_or("a contact that is gone", |contact| &contact.name),
        }
    }

    /// The same for readers who may not see numbers: a contact may be called by its own.
    pub fn masked_name(&self, who: Participant) -> String {
        let name = self.name(who);
        if phone::PhoneNumber::parse(name).is_ok() {
            phone::masked(name)
        } else {
            name.to_owned()
        }
    }

    /// Everybody who can be on call: id and words, members first.
    pub fn choices(&self) -> Vec<(String, String)> {
        let members = self.members.iter().map(|member| {
            let words = if member.called() == member.email {
                member.email.clone()
            } else {
                format!("{}, {}", member.called(), member.email)
            };
            (member.id.to_string(), words)
        });
        let contacts = self.contacts.iter().map(|contact| {
            let words = format!("{}, {} only", contact.name, contact.channel.name());
            (contact.id.to_string(), words)
        });
        members.chain(contacts).collect()
    }
}
