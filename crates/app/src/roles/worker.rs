//! The worker role.

use super::Parts;
use crate::lifecycle::Lifecycle;

/// Starts looking.
pub fn spawn(_parts: &mut Parts, _lifecycle: &mut Lifecycle) -> anyhow::Result<()> {
    Ok(())
}
