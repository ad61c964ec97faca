//! Links in messages that act for one contact. Their tokens are worked out from ids and our key, so
//! that the clear token is stored nowhere; the lookup holds its hash.

use domain::account::EmailAddress;
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId};
use domain::tools::watch::AGAIN_WITHIN;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::secrets::Place;
use store::token_lookups::{self, Found, Kind};
use store::{Secrets, secrets};
use uuid::Uuid;

use crate::Result;

/// The token of `/a/{token}` in the message `delivery`.
pub fn acknowledge_token(secrets: &Secrets, delivery: DeliveryId) -> String {
    secrets.derived_token("acknowledge", &delivery.to_string())
}

/// The token of the page that stops alerts to `contact`.
pub fn stop_token(secrets: &Secrets, contact: ContactId) -> String {
    secrets.derived_token("stop", &contact.to_string())
}

/// How long the link works by which the owner of an address says that it was somebody else.
pub const NOT_ME_FOR: SignedDuration = SignedDuration::from_hours(24 * 30);

const NOT_ME: Place<'static> = Place {
    table: "not_me",
    column: "link",
    row: "",
};

/// What a token of `/not-me/{token}` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotMe {
    /// Whoever holds it reads the mail of this address.
    Address(EmailAddress),
    /// It was one, and is older than [`NOT_ME_FOR`].
    RunOut,
}

/// The token of the page on which the owner of an address says that it was somebody else who typed it.
/// The address is sealed in it, so that nothing has to be kept.
pub fn not_me_token(secrets: &Secrets, address: &str, now: Timestamp) -> Result<String> {
    let plain = format!("{} {address}", (now + NOT_ME_FOR).as_second());
    Ok(secrets.seal(NOT_ME, &plain)?)
}

/// Reads a token of [`not_me_token`]; `None` when it is none.
pub fn read_not_me(secrets: &Secrets, token: &str, now: Timestamp) -> Option<NotMe> {
    let plain = secrets.open(NOT_ME, token).ok()?;
    let (until, address) = plain.split_once(' ')?;
    if until.parse::<i64>().ok()? <= now.as_second() {
        return Some(NotMe::RunOut);
    }
    EmailAddress::parse(address).ok().map(NotMe::Address)
}

const AGAIN: Place<'static> = Place {
    table: "tool_watches",
    column: "again",
    row: "",
};

/// What a token of the page says that begins a watch again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// Whoever holds it reads the mail of this address, and waited for what this watch waited for.
    Watch(Uuid, EmailAddress),
    /// It was one, and is older than [`AGAIN_WITHIN`].
    RunOut,
}

/// The token of the page that begins an ended watch again. The address is sealed in it, so that it can be
/// erased with the end of the watch.
pub fn again_token(
    secrets: &Secrets,
    (watch, address): (Uuid, &EmailAddress),
    now: Timestamp,
) -> Result<String> {
    let until = (now + AGAIN_WITHIN).as_second();
    Ok(secrets.seal(AGAIN, &format!("{until} {watch} {address}"))?)
}

/// Reads a token of [`again_token`]; `None` when it is none.
pub fn read_again(secrets: &Secrets, token: &str, now: Timestamp) -> Option<Again> {
    let plain = secrets.open(AGAIN, token).ok()?;
    let mut parts = plain.splitn(3, ' ');
    if parts.next()?.parse::<i64>().ok()? <= now.as_second() {
        return Some(Again::RunOut);
    }
    let watch = parts.next()?.parse().ok()?;
    let address = EmailAddress::parse(parts.next()?).ok()?;
    Some(Again::Watch(watch, address))
}

/// The form in which a token of a link is kept and looked up.
pub fn stored(token: &str) -> String {
    secrets::token_hash(token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The incident and contact behind an acknowledge link.
pub async fn find_acknowledge(
    connection: &mut PgConnection,
    token: &str,
) -> Result<Option<(AccountId, IncidentId, ContactId)>> {
    let found = token_lookups::find(connection, Kind::Acknowledge, &stored(token)).await?;
    Ok(found.and_then(|found| {
        let contact = ContactId::from_uuid(found.other_id?);
        Some((
            found.account_id,
            IncidentId::from_uuid(found.row_id),
            contact,
        ))
    }))
}

/// The message and contact behind a link that takes all incidents of a message.
pub async fn find_acknowledge_all(
    connection: &mut PgConnection,
    token: &str,
) -> Result<Option<(AccountId, DeliveryId, ContactId)>> {
    let found = token_lookups::find(connection, Kind::AcknowledgeAll, &stored(token)).await?;
    Ok(found.and_then(|found| {
        let contact = ContactId::from_uuid(found.other_id?);
        Some((
            found.account_id,
            DeliveryId::from_uuid(found.row_id),
            contact,
        ))
    }))
}

/// Makes the link of a message take everything that it tells of. Safe to repeat.
pub async fn mint_all(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account_id: AccountId,
    (delivery, contact): (DeliveryId, ContactId),
    now: Timestamp,
) -> Result<()> {
    let token = stored(&acknowledge_token(secrets, delivery));
    let found = Found {
        account_id,
        row_id: delivery.uuid(),
        other_id: Some(contact.uuid()),
    };
    token_lookups::insert_new(connection, Kind::AcknowledgeAll, &token, found, now).await?;
    Ok(())
}

/// The contact behind a stop link.
pub async fn find_stop(
    connection: &mut PgConnection,
    token: &str,
) -> Result<Option<(AccountId, ContactId)>> {
    let found = token_lookups::find(connection, Kind::Stop, &stored(token)).await?;
    Ok(found.map(|found| (found.account_id, ContactId::from_uuid(found.row_id))))
}

/// Makes the links of a message work; a message about no incident has none to take. Safe to repeat.
pub async fn mint(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account_id: AccountId,
    message: (DeliveryId, ContactId, Option<IncidentId>),
    now: Timestamp,
) -> Result<()> {
    let (delivery, contact, incident) = message;
    if let Some(incident) = incident {
        let token = stored(&acknowledge_token(secrets, delivery));
        let found = Found {
            account_id,
            row_id: incident.uuid(),
            other_id: Some(contact.uuid()),
        };
        token_lookups::insert_new(connection, Kind::Acknowledge, &token, found, now).await?;
    }
    let token = stored(&stop_token(secrets, contact));
    let found = Found {
        account_id,
        row_id: contact.uuid(),
        other_id: None,
    };
    token_lookups::insert_new(connection, Kind::Stop, &token, found, now).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn a_not_me_link_carries_its_address_and_nobody_can_make_one() {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let now: Timestamp = "2026-11-22T13:02:11Z".parse().unwrap();
        let token = not_me_token(&secrets, "kim@shop.example", now).unwrap();
        assert!(!token.contains("kim") && token.len() < 120, "{token}");
        let kim = NotMe::Address(EmailAddress::parse("kim@shop.example").unwrap());
        let read = |token: &str, at| read_not_me(&secrets, token, at);
        let last = now + NOT_ME_FOR - 1.seconds();
        assert_eq!(read(&token, now), Some(kim.clone()));
        assert_eq!(read(&token, last), Some(kim));
        assert_eq!(read(&token, last + 1.seconds()), Some(NotMe::RunOut));
        let mut other = token.clone();
        other.pop();
        assert_eq!((read(&other, now), read("x", now)), (None, None));
        let foreign = Secrets::new(["another key, as long as it"]).unwrap();
        assert_eq!(read_not_me(&foreign, &token, now), None);
    }

    #[test]
    fn a_link_that_begins_a_watch_again_works_for_a_week() {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let now: Timestamp = "2026-11-22T13:02:11Z".parse().unwrap();
        let (watch, kim) = (
            Uuid::now_v7(),
            EmailAddress::parse("kim@shop.example").unwrap(),
        );
        let token = again_token(&secrets, (watch, &kim), now).unwrap();
        assert!(!token.contains("kim") && token.len() < 200, "{token}");
        let read = |at| read_again(&secrets, &token, at);
        let last = now + AGAIN_WITHIN - 1.seconds();
        assert_eq!(read(last), Some(Again::Watch(watch, kim)));
        assert_eq!(read(last + 1.seconds()), Some(Again::RunOut));
        let other = not_me_token(&secrets, "kim@shop.example", now).unwrap();
        assert_eq!(read_again(&secrets, &other, now), None, "one is no other");
    }
}
