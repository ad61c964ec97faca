//! The stapled OCSP answer (RFC 6960), as far as one question needs it: does it say revoked?
//!
//! Its signature is not checked: it comes from the server itself, over the server's own connection,
//! and a server has no reason to call its own certificate revoked.

/// One DER element: tag and content.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if first & 0x80 == 0 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(first & 0x7F);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        (
            bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte)),
            rest,
        )
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn inner(der: &[u8], wanted: u8) -> Option<&[u8]> {
    element(der)
        .filter(|(tag, ..)| *tag == wanted)
        .map(|(_, content, _)| content)
}

/// Elements one after another.
fn elements(mut der: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let Some((tag, content, rest)) = element(der) {
        found.push((tag, content));
        der = rest;
    }
    found
}

/// Whether the response says that the certificate was revoked.
pub(crate) fn says_revoked(response: &[u8]) -> bool {
    single_statuses(response).is_some_and(|tags| tags.contains(&REVOKED))
}

/// `CertStatus ::= CHOICE { good [0], revoked [1], unknown [2] }`; revoked is constructed.
const REVOKED: u8 = 0xA1;

/// The status tag of each `SingleResponse`.
fn single_statuses(response: &[u8]) -> Option<Vec<u8>> {
    const SEQUENCE: u8 = 0x30;
    let body = elements(inner(response, SEQUENCE)?);
    let bytes = body.iter().find(|(tag, _)| *tag == 0xA0)?.1;
    let kind_and_answer = elements(inner(bytes, SEQUENCE)?);
    let basic = kind_and_answer.iter().find(|(tag, _)| *tag == 0x04)?.1;
    let data = inner(inner(basic, SEQUENCE)?, SEQUENCE)?;
    // version [0]?, responderID [1] or [2], producedAt, responses SEQUENCE OF
    let parts = elements(data);
    let responses = parts.iter().find(|(tag, _)| *tag == SEQUENCE)?.1;
    let statuses = elements(responses)
        .into_iter()
        .filter_map(|(_, single)| elements(single).get(1).map(|(tag, _)| *tag))
        .collect();
    Some(statuses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut der = vec![tag];
        match content.len() {
            n @ 0..128 => der.push(n as u8),
            n => der.extend([0x82, (n >> 8) as u8, n as u8]),
        }
        der.extend_from_slice(content);
        der
    }

    fn response(status: &[u8]) -> Vec<u8> {
        let single = wrap(
            0x30,
            &[
                wrap(0x30, &[5; 20]),
                status.to_vec(),
                wrap(0x18, b"20261122140000Z"),
            ]
            .concat(),
        );
        let data = [
            wrap(0xA2, &wrap(0x04, &[1; 20])),
            wrap(0x18, b"20261122140000Z"),
            wrap(0x30, &single),
        ]
        .concat();
        let basic = wrap(
            0x30,
            &[wrap(0x30, &data), wrap(0x30, &[]), wrap(0x03, &[0; 130])].concat(),
        );
        let bytes = wrap(0x30, &[wrap(0x06, &[1; 9]), wrap(0x04, &basic)].concat());
        wrap(0x30, &[wrap(0x0A, &[0]), wrap(0xA0, &bytes)].concat())
    }

    #[test]
    fn tells_revoked_from_good() {
        assert!(says_revoked(&response(&wrap(
            0xA1,
            &wrap(0x18, b"20261101000000Z")
        ))));
        assert!(!says_revoked(&response(&[0x80, 0])));
        assert!(!says_revoked(&response(&[0x82, 0])));
        assert!(!says_revoked(&[]));
    }

    #[test]
    fn every_cut_is_read_without_a_word() {
        let whole = response(&wrap(0xA1, &wrap(0x18, b"20261101000000Z")));
        for end in 0..whole.len() {
            let _ = says_revoked(&whole[..end]);
        }
    }
}
