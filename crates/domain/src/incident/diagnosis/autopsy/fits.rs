//! Conditions that several rules share.

use super::Question as Q;
use super::scene::Scene;
use crate::check::{Attribution, FailureClass as C};

use Attribution::{Origin, OriginProxy};

pub(super) fn is_tls(scene: &Scene<'_>) -> bool {
    scene.class().as_str().starts_with("tls_")
}

pub(super) fn is_slow(scene: &Scene<'_>) -> bool {
    matches!(
        scene.class(),
        C::HttpTimeout | C::BodyTimeout | C::TlsTimeout
    ) || scene.cause() == "upstream_slow"
}

pub(super) fn is_name(scene: &Scene<'_>) -> bool {
    scene.class().as_str().starts_with("dns_")
}

pub(super) fn is_server_error(scene: &Scene<'_>) -> bool {
    scene.class() == C::HttpStatus
        && scene
            .failure
            .detail
            .as_deref()
            .is_some_and(|status| status.starts_with('5'))
}

/// A mixture of addresses, some of which work.
pub(super) fn some_addresses(scene: &Scene<'_>) -> bool {
    let all = scene.addresses();
    !all.good.is_empty() && !all.bad.is_empty() && scene.left().is_none() && !scene.came_back()
}

/// What the look met is an answer, or the want of one: not a name, and not a certificate.
pub(super) fn is_answer(scene: &Scene<'_>) -> bool {
    !is_name(scene) && !is_tls(scene)
}

/// The CDN itself says that it does not get through to the origin.
pub(super) fn is_cut_off(scene: &Scene<'_>) -> bool {
    let status = scene.failure.detail.as_deref();
    scene.class() == C::HttpStatus
        && matches!(status, Some("521" | "522" | "523" | "525" | "526" | "530"))
}

/// The first look saw the fault on the owner's own side.
pub(super) const fn is_own_side(scene: &Scene<'_>) -> bool {
    matches!(scene.first.attribution, Some(Origin | OriginProxy))
}

/// A cache in front hands out an old error, which tells more than that the origin is well.
pub(super) fn is_old_error(scene: &Scene<'_>) -> bool {
    scene.is_good(&Q::PastCaches) && scene.is_cached()
}

/// Its certificate is one that a strict CDN refuses.
pub(super) fn has_bad_certificate(scene: &Scene<'_>) -> bool {
    let problem = scene.origin().and_then(|(_, outcome)| outcome.certificate);
    let refused = matches!(scene.failure.detail.as_deref(), Some("525" | "526"));
    match problem {
        Some(C::TlsExpired | C::TlsNotYetValid | C::TlsHostnameMismatch) => true,
        Some(_) => refused,
        None => false,
    }
}
