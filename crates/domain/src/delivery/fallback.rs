//! Who is told when a message cannot reach its contact.

use crate::contact::{Channel, Contact};
use crate::ids::ContactId;

/// The mail contacts that stand in for `failed`: those of the default policy, else any usable one.
/// Empty means that the account's owners are written to.
pub fn stand_ins(contacts: &[Contact], failed: ContactId) -> Vec<&Contact> {
    let usable: Vec<&Contact> = contacts
        .iter()
        .filter(|contact| {
            contact.id != failed && contact.channel == Channel::Email && contact.is_usable()
        })
        .collect();
    let usual: Vec<&Contact> = usable
        .iter()
        .copied()
        .filter(|contact| contact.in_default)
        .collect();
    if usual.is_empty() { usable } else { usual }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn contact(name: &str, channel: Channel, in_default: bool, verified: bool) -> Contact {
        Contact {
            id: ContactId::generate(),
            channel,
            name: name.into(),
            address: name.into(),
            verified_at: verified.then_some(Timestamp::UNIX_EPOCH),
            in_default,
            call_on_recovery: false,
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_usual_mail_contacts_first() {
        let phone = contact("phone", Channel::Sms, true, true);
        let spare = contact("spare", Channel::Email, false, true);
        let usual = contact("usual", Channel::Email, true, true);
        let unproven = contact("unproven", Channel::Email, true, false);
        let names = |contacts: &[Contact]| -> Vec<String> {
            stand_ins(contacts, phone.id)
                .into_iter()
                .map(|contact| contact.name.clone())
                .collect()
        };
        assert_eq!(
            names(&[
                phone.clone(),
                spare.clone(),
                usual.clone(),
                unproven.clone()
            ]),
            ["usual"]
        );
        assert_eq!(
            names(&[phone.clone(), spare.clone(), unproven.clone()]),
            ["spare"]
        );
        assert!(names(&[phone.clone(), unproven]).is_empty());
        assert!(stand_ins(std::slice::from_ref(&usual), usual.id).is_empty());
    }
}
