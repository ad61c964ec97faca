//! Secrets at rest: AES-256-GCM, one HKDF-SHA-256 subkey per purpose, bound to table, column and row.
//!
//! A sealed value is `v1.keyid.nonce.ciphertext` (base64url). Several keys may be given, newest first:
//! the first seals, all open; `admin rotate-secrets` seals everything anew.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::{digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD as BASE64};
use domain::contact::hook::SECRET_PREFIX;

use crate::{Error, Result};

/// The keys that seal and open.
#[derive(Clone)]
pub struct Secrets {
    keys: Arc<[Key]>,
}

struct Key {
    id: String,
    material: Vec<u8>,
}

/// Where a sealed value lives; a value moved elsewhere does not open.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// The row's key.
    pub row: &'a str,
}

struct Length32;

impl KeyType for Length32 {
    fn len(&self) -> usize {
        32
    }
}

impl Secrets {
    /// Takes one or more keys, newest first. Any text of 16 or more bytes is a key.
    pub fn new<I: IntoIterator<Item = T>, T: AsRef<str>>(keys: I) -> Option<Self> {
        let keys: Vec<Key> = keys
            .into_iter()
            .map(|key| key.as_ref().trim().to_owned())
            .filter(|key| !key.is_empty())
            .map(|key| Key {
                id: hex::encode(&digest::digest(&digest::SHA256, key.as_bytes()).as_ref()[..4]),
                material: key.into_bytes(),
            })
            .collect();
        let strong = !keys.is_empty() && keys.iter().all(|key| key.material.len() >= 16);
        strong.then(|| Self { keys: keys.into() })
    }

    /// Seals `plain` for its place.
    pub fn seal(&self, place: Place<'_>, plain: &str) -> Result<String> {
        let key = self.keys.first().ok_or(Error::Sealed(place.table))?;
        let mut nonce = [0_u8; 12];
        rand::fill(&mut nonce).map_err(|_| Error::Sealed(place.table))?;
        let mut text = plain.as_bytes().to_vec();
        cipher(key, place)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(place), &mut text)
            .map_err(|_| Error::Sealed(place.table))?;
        Ok(format!(
            "v1.{}.{}.{}",
            key.id,
            BASE64.encode(nonce),
            BASE64.encode(text)
        ))
    }

    /// Opens what [`Self::seal`] made for the same place.
    pub fn open(&self, place: Place<'_>, sealed: &str) -> Result<String> {
        self.try_open(place, sealed)
            .ok_or(Error::Sealed(place.table))
    }

    fn try_open(&self, place: Place<'_>, sealed: &str) -> Option<String> {
        let mut parts = sealed.split('.');
        let (version, id, nonce, text) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        if version != "v1" || parts.next().is_some() {
            return None;
        }
        let key = self.keys.iter().find(|key| key.id == id)?;
        let nonce: [u8; 12] = BASE64.decode(nonce).ok()?.try_into().ok()?;
        let mut text = BASE64.decode(text).ok()?;
        let plain = cipher(key, place)
            .ok()?
            .open_in_place(Nonce::assume_unique_for_key(nonce), aad(place), &mut text)
            .ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }

    /// The value was sealed with a key other than the newest.
    pub fn is_stale(&self, sealed: &str) -> bool {
        self.keys
            .first()
            .is_none_or(|key| sealed.split('.').nth(1) != Some(key.id.as_str()))
    }

    /// A keyed hash for codes and other short secrets, which a plain hash would not hide.
    pub fn keyed_hash(&self, purpose: &'static str, value: &str) -> Vec<u8> {
        let material = self
            .keys
            .last()
            .map(|key| key.material.as_slice())
            .unwrap_or_default();
        let key = hmac::Key::new(hmac::HMAC_SHA256, material);
        hmac::sign(&key, format!("{purpose}\0{value}").as_bytes())
            .as_ref()
            .to_vec()
    }

    /// A token that is worked out again rather than stored: 192 bits, 32 URL-safe characters.
    pub fn derived_token(&self, purpose: &'static str, value: &str) -> String {
        BASE64.encode(&self.keyed_hash(purpose, value)[..24])
    }
}

/// SHA-256 of a high-entropy token, as it is stored.
pub fn token_hash(token: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, token.as_bytes())
        .as_ref()
        .to_vec()
}

/// 256 random bits as 43 URL-safe characters.
pub fn random_token() -> String {
    let mut bytes = [0_u8; 32];
    // The generator of the cryptography library fails only where no operating system answers.
    rand::fill(&mut bytes).unwrap_or_else(|_| std::process::abort());
    BASE64.encode(bytes)
}

/// A secret that signs webhooks: `whsec_` and 256 random bits in base64 (Standard Webhooks).
pub fn random_signing_secret() -> String {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).unwrap_or_else(|_| std::process::abort());
    format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))
}

/// A uniformly random number, for codes.
pub fn random_u32() -> u32 {
    let mut bytes = [0_u8; 4];
    rand::fill(&mut bytes).unwrap_or_else(|_| std::process::abort());
    u32::from_be_bytes(bytes)
}

fn aad<'p>(place: Place<'p>) -> Aad<Vec<u8>> {
    Aad::from(format!("{}\0{}\0{}", place.table, place.column, place.row).into_bytes())
}

fn cipher(key: &Key, place: Place<'_>) -> Result<LessSafeKey> {
    let purpose = format!("watchbell/v1/{}/{}", place.table, place.column);
    let pseudo_random = Salt::new(HKDF_SHA256, b"watchbell").extract(&key.material);
    let info = [purpose.as_bytes()];
    let mut subkey = [0_u8; 32];
    pseudo_random
        .expand(&info, Length32)
        .and_then(|okm| okm.fill(&mut subkey))
        .map_err(|_| Error::Sealed(place.table))?;
    let unbound = UnboundKey::new(&AES_256_GCM, &subkey).map_err(|_| Error::Sealed(place.table))?;
    Ok(LessSafeKey::new(unbound))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place {
        table: "monitors",
        column: "secrets",
        row: "mon_1",
    };

    #[test]
    fn a_value_opens_in_its_own_place_only() {
        let secrets = Secrets::new(["a key of sufficient length"]).unwrap();
        let sealed = secrets.seal(PLACE, "Bearer x").unwrap();
        assert!(sealed.starts_with("v1.") && !sealed.contains("Bearer"));
        assert_eq!(secrets.open(PLACE, &sealed).unwrap(), "Bearer x");
        assert!(
            secrets
                .open(
                    Place {
                        row: "mon_2",
                        ..PLACE
                    },
                    &sealed
                )
                .is_err()
        );
        assert!(
            secrets
                .open(
                    Place {
                        column: "spec",
                        ..PLACE
                    },
                    &sealed
                )
                .is_err()
        );
        assert!(secrets.open(PLACE, &sealed.replace("v1.", "v2.")).is_err());
    }

    #[test]
    fn an_older_key_still_opens() {
        let old = Secrets::new(["the first key, long enough"]).unwrap();
        let both =
            Secrets::new(["the second key, long enough", "the first key, long enough"]).unwrap();
        let sealed = old.seal(PLACE, "x").unwrap();
        assert_eq!(both.open(PLACE, &sealed).unwrap(), "x");
        assert!(both.is_stale(&sealed) && !old.is_stale(&sealed));
        assert!(Secrets::new(["short"]).is_none() && Secrets::new([""]).is_none());
    }
}
