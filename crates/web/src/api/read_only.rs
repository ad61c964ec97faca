//! What only we set, in bodies that send an object back.
//!
//! Clients send back what they read. What never changes must be as it is; what moves by itself (a
//! status, the last look) may be older than now in an object that is sent back whole, with its `id`.
//! Sent on its own with another value it is a wish that we do not grant.

use serde::Serialize;

use super::json::Json;
use super::problem::{ApiResult, Problem};

/// The names of what only we set in an object.
#[derive(Debug, Clone, Copy)]
pub struct ReadOnly {
    /// Never changes.
    pub fixed: &'static [&'static str],
    /// Moves by itself.
    pub moving: &'static [&'static str],
}

impl ReadOnly {
    /// The first of them in `body`.
    pub fn find(self, body: &Json) -> Option<&str> {
        let Json::Object(entries) = body else {
            return None;
        };
        let known = |key: &&str| self.fixed.contains(key) || self.moving.contains(key);
        entries.iter().map(|(key, _)| key.as_str()).find(known)
    }

    /// Takes them out of `body`, which changes `current`. Those that would change it are refused.
    pub fn take_out<T: Serialize>(self, body: &mut Json, current: &T) -> ApiResult<()> {
        let current = Json::of(current).map_err(|error| Problem::internal(&error))?;
        let is_whole = body.get("id").is_some() && body.get("id") == current.get("id");
        for (keys, may_be_old) in [(self.fixed, false), (self.moving, is_whole)] {
            for key in keys {
                let Some(sent) = body.remove(key) else {
                    continue;
                };
                if !may_be_old && current.get(key) != Some(&sent) {
                    return Err(refused(key));
                }
            }
        }
        Ok(())
    }
}

/// The complaint about a field that only we set.
pub fn refused(key: &str) -> Problem {
    Problem::field(
        &format!("/{key}"),
        "read_only",
        "is set by us and cannot be changed",
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const NAMES: ReadOnly = ReadOnly {
        fixed: &["id", "created_at"],
        moving: &["status"],
    };

    #[rstest]
    #[case(r#"{"name":"B"}"#, None)]
    #[case(r#"{"id":"mon_1","status":"up","created_at":"then","name":"B"}"#, None)]
    #[case(r#"{"id":"mon_1","status":"down","name":"B"}"#, None)]
    #[case(r#"{"status":"up","name":"B"}"#, None)]
    #[case(r#"{"status":"down","name":"B"}"#, Some("/status"))]
    #[case(r#"{"status":null,"name":"B"}"#, Some("/status"))]
    #[case(r#"{"id":"mon_2","name":"B"}"#, Some("/id"))]
    #[case(r#"{"id":"mon_1","created_at":"now","name":"B"}"#, Some("/created_at"))]
    fn what_we_set_may_come_back_and_not_change(#[case] body: &str, #[case] refused: Option<&str>) {
        let current = json!({"id": "mon_1", "created_at": "then", "status": "up", "name": "A"});
        let mut body: Json = serde_json::from_str(body).unwrap();
        match (NAMES.take_out(&mut body, &current), refused) {
            (Ok(()), None) => assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"name":"B"}"#),
            (Err(problem), Some(pointer)) => assert_eq!(problem.errors[0].pointer, pointer),
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
}
