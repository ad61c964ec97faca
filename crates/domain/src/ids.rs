//! Identifiers: UUIDv7 inside, TypeID outside (`mon_01h…`, <https://github.com/jetify-com/typeid>).
//!
//! A new kind of id is one line at the end of this file.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use type_safe_id::{DynamicType, TypeSafeId};
use uuid::Uuid;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not an id of the form {prefix}_…")]
pub struct IdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

fn render(prefix: &str, id: Uuid) -> Option<String> {
    let kind = DynamicType::new(prefix).ok()?;
    Some(TypeSafeId::from_type_and_uuid(kind, id).to_string())
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, IdError> {
    let id: TypeSafeId<DynamicType> = text.parse().map_err(|_| IdError { prefix })?;
    if id.type_prefix() != prefix {
        return Err(IdError { prefix });
    }
    Ok(id.uuid())
}

/// The UUID behind an id of any kind, or of a bare UUID: for payloads that carry ids of several kinds.
pub fn any_uuid(text: &str) -> Option<Uuid> {
    let typed = || {
        text.parse::<TypeSafeId<DynamicType>>()
            .ok()
            .map(|id| id.uuid())
    };
    text.parse().ok().or_else(typed)
}

/// The short code of incidents, monitors and groups in links: eight Crockford base-32 digits
/// (40 bits) taken from the random tail of a UUIDv7.
pub fn short_code(id: Uuid) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let bytes = id.as_bytes();
    let mut value = 0_u64;
    for byte in &bytes[11..16] {
        value = (value << 8) | u64::from(*byte);
    }
    (0..8)
        .rev()
        .map(|digit| char::from(DIGITS[((value >> (digit * 5)) & 31) as usize]))
        .collect()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the outside form.
            pub const PREFIX: &'static str = $prefix;

            /// The id that a stored UUID stands for.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// A fresh id; its time part is the machine's clock (ordering only, no rule reads it).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The UUID inside.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&render($prefix, self.0).ok_or(fmt::Error)?)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($prefix, text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// An account: the tenant.
    AccountId, "acc"
);
id!(
    /// A person who signs in.
    UserId, "usr"
);
id!(
    /// A browser session.
    SessionId, "ses"
);
id!(
    /// A monitor.
    MonitorId, "mon"
);
id!(
    /// An incident.
    IncidentId, "inc"
);
id!(
    /// An entry of an incident's timeline, or a deploy marker.
    EventId, "evt"
);
id!(
    /// A contact: an address that alerts go to.
    ContactId, "con"
);
id!(
    /// An escalation policy.
    PolicyId, "pol"
);
id!(
    /// A maintenance window.
    MaintenanceWindowId, "mwn"
);
id!(
    /// An on-call schedule.
    ScheduleId, "sch"
);
id!(
    /// Somebody stands in for whoever is on call.
    OverrideId, "ovr"
);
id!(
    /// An API key.
    ApiKeyId, "key"
);
id!(
    /// A check: one look, as the API names it.
    CheckId, "chk"
);
id!(
    /// A delivery: one message to one contact.
    DeliveryId, "del"
);
id!(
    /// A storm: incidents of one account that are told together.
    GroupId, "grp"
);
id!(
    /// A request that a worker look at something now.
    LookRequestId, "loo"
);
id!(
    /// A code or link sent to prove an address or to reset a password.
    ChallengeId, "cha"
);
id!(
    /// An entry of the audit log.
    AuditId, "aud"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_itself() {
        let id = MonitorId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().starts_with("mon_"));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let text = ContactId::generate().to_string();
        assert_eq!(text.parse::<MonitorId>(), Err(IdError { prefix: "mon" }));
        for bad in [
            "",
            "mon_",
            "mon_x",
            "mon_01h\u{0}",
            "MON_01h455vb4pex5vsknk084sn02q",
        ] {
            assert!(bad.parse::<MonitorId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn any_id_has_its_uuid() {
        let id = IncidentId::generate();
        assert_eq!(any_uuid(&id.to_string()), Some(id.uuid()));
        assert_eq!(any_uuid(&id.uuid().to_string()), Some(id.uuid()));
        assert_eq!(any_uuid("inc_?"), None);
    }

    #[test]
    fn short_codes_have_eight_digits() {
        assert_eq!(short_code(Uuid::nil()), "00000000");
        assert_eq!(short_code(Uuid::max()), "ZZZZZZZZ");
        assert_ne!(short_code(Uuid::now_v7()), short_code(Uuid::now_v7()));
    }
}
