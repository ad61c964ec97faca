//! What a monitor's settings must be, as far as the database is needed to say it.

use domain::account::Plan;
use domain::alert::dependency::{MOST_LEVELS, MOST_PARENTS};
use domain::ids::ContactId;
use domain::monitor::validate::{FieldError, validate};
use domain::monitor::{BasicAuth, HttpAuth, Monitor, MonitorSpec};
use domain::target::{join_userinfo, split_userinfo};
use sqlx::PgConnection;

use crate::state::AppState;
use crate::usecases::{Caller, UseCaseError, UseCaseResult};

/// What stands for a secret where it is not shown; sent back, it keeps the old value.
pub const MASK: &str = "••••";

/// A URL without the password in it, or without the user where that is all there is.
pub fn masked_url(url: &str) -> String {
    match split_userinfo(url) {
        Some((userinfo, rest)) => join_userinfo(&masked_userinfo(userinfo), &rest),
        None => url.to_owned(),
    }
}

fn masked_userinfo(userinfo: &str) -> String {
    match userinfo.split_once(':') {
        Some((name, _)) => format!("{name}:{MASK}"),
        None => MASK.to_owned(),
    }
}

/// The sent URL with the old password in the place of the mask, as long as it goes to the same host.
fn unmasked_url(sent: &str, old: &str) -> Option<String> {
    let (sent_userinfo, sent_rest) = split_userinfo(sent)?;
    let (userinfo, rest) = split_userinfo(old)?;
    let origin = |text: &str| {
        let end = text.find("://").map_or(0, |at| at + 3);
        let length = text[end..].find(['/', '?', '#', '\\']);
        text[..length.map_or(text.len(), |length| end + length)].to_ascii_lowercase()
    };
    let keeps = sent_userinfo == masked_userinfo(userinfo) && origin(&sent_rest) == origin(&rest);
    keeps.then(|| join_userinfo(userinfo, &sent_rest))
}

/// A login without what must not be seen: the name stays.
pub fn masked_auth(auth: &HttpAuth) -> HttpAuth {
    HttpAuth {
        basic: auth.basic.as_ref().map(|basic| BasicAuth {
            username: basic.username.clone(),
            password: MASK.to_owned(),
        }),
        bearer: auth.bearer.as_ref().map(|_| MASK.to_owned()),
    }
}

fn unmask_auth(auth: &mut HttpAuth, old: &HttpAuth) {
    if let (Some(basic), Some(old)) = (&mut auth.basic, &old.basic)
        && basic.password == MASK
    {
        basic.password.clone_from(&old.password);
    }
    if let (Some(token), Some(old)) = (&mut auth.bearer, &old.bearer)
        && token == MASK
    {
        token.clone_from(old);
    }
}

/// What kinds without pages send, to read: the blocks in the order of their names.
fn sent(spec: &MonitorSpec) -> [Option<&String>; 3] {
    [
        spec.tcp.as_ref().and_then(|block| block.send.as_ref()),
        spec.udp.as_ref().and_then(|block| block.send.as_ref()),
        spec.websocket
            .as_ref()
            .and_then(|block| block.send.as_ref()),
    ]
}

/// The same to change.
fn sends(spec: &mut MonitorSpec) -> [Option<&mut String>; 3] {
    [
        spec.tcp.as_mut().and_then(|block| block.send.as_mut()),
        spec.udp.as_mut().and_then(|block| block.send.as_mut()),
        spec.websocket
            .as_mut()
            .and_then(|block| block.send.as_mut()),
    ]
}

/// Puts the old secrets in the place of their masks. What has no old value stays masked, and is then
/// refused by [`check`].
pub fn unmask(spec: &mut MonitorSpec, before: Option<&MonitorSpec>) {
    if let (Some(url), Some(old)) = (
        spec.url.as_mut(),
        before.and_then(|before| before.url.as_ref()),
    ) && let Some(whole) = unmasked_url(url, old)
    {
        *url = whole;
    }
    for (sent, old) in sends(spec).into_iter().zip(before.map_or([None; 3], sent)) {
        if sent.as_deref().map(String::as_str) == Some(MASK)
            && let (Some(sent), Some(old)) = (sent, old)
        {
            sent.clone_from(old);
        }
    }
    let old = before.and_then(|before| before.http.as_ref());
    let Some(http) = spec.http.as_mut() else {
        return;
    };
    if http.body.as_deref() == Some(MASK)
        && let Some(body) = old.and_then(|old| old.body.as_ref())
    {
        http.body = Some(body.clone());
    }
    if let (Some(auth), Some(old)) = (http.auth.as_mut(), old.and_then(|old| old.auth.as_ref())) {
        unmask_auth(auth, old);
    }
    let known = old
        .and_then(|old| old.headers.as_ref())
        .map(|headers| headers.0.as_slice())
        .unwrap_or_default();
    for (name, value) in http
        .headers
        .iter_mut()
        .flat_map(|headers| headers.0.iter_mut())
    {
        if value == MASK
            && let Some((_, old)) = known.iter().find(|(old, _)| old.eq_ignore_ascii_case(name))
        {
            value.clone_from(old);
        }
    }
}

/// Refuses settings that break the bounds of the reference, the plan or the address policy, or that
/// name contacts, policies or regions that are not there, or a key that is taken.
pub(super) async fn check(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    plan: Plan,
    (spec, before): (&MonitorSpec, Option<&Monitor>),
) -> UseCaseResult<()> {
    let mut errors = validate(spec, &plan.limits(), state.config.address_policy);
    errors.extend(masks(spec));
    if let Some(policy) = spec.policy_id
        && store::policies::find(connection, caller.account_id, policy)
            .await?
            .is_none()
    {
        errors.push(FieldError::new(
            "/policy_id",
            "not_found",
            "must be a policy of this account",
        ));
    }
    if let Some(contacts) = spec.contact_ids.as_deref() {
        errors.extend(unknown_contacts(connection, caller, contacts).await?);
    }
    if let Some(regions) = spec.regions.as_deref() {
        errors.extend(unknown_regions(connection, state, regions).await?);
    }
    errors.extend(wrong_parents(connection, caller, spec, before).await?);
    if !errors.is_empty() {
        return Err(UseCaseError::Invalid(errors));
    }
    let Some(key) = spec.key.as_deref() else {
        return Ok(());
    };
    match store::monitors::find_id_by_key(connection, caller.account_id, key).await? {
        Some(other) if before.is_none_or(|before| before.id != other) => Err(
            UseCaseError::conflict(Some("/key"), format!("Another monitor has the key {key}.")),
        ),
        _ => Ok(()),
    }
}

fn masks(spec: &MonitorSpec) -> Vec<FieldError> {
    let complaint = |pointer: String| {
        FieldError::new(
            pointer,
            "masked",
            "must be given: the mask stands for no old value",
        )
    };
    let blocks = ["tcp", "udp", "websocket"].into_iter().zip(sent(spec));
    let mut found: Vec<FieldError> = blocks
        .filter(|(_, sent)| sent.is_some_and(|sent| sent == MASK))
        .map(|(block, _)| complaint(format!("/{block}/send")))
        .collect();
    let userinfo = spec.url.as_deref().and_then(split_userinfo);
    if userinfo.is_some_and(|(userinfo, _)| userinfo.contains(MASK)) {
        found.push(complaint("/url".to_owned()));
    }
    let Some(http) = &spec.http else {
        return found;
    };
    let headers = http
        .headers
        .iter()
        .flat_map(|headers| &headers.0)
        .filter(|(_, value)| value == MASK);
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    found.extend(headers.map(|(name, _)| complaint(format!("/http/headers/{}", escaped(name)))));
    if http.body.as_deref() == Some(MASK) {
        found.push(complaint("/http/body".to_owned()));
    }
    let auth = http.auth.clone().unwrap_or_default();
    if auth.basic.is_some_and(|basic| basic.password == MASK) {
        found.push(complaint("/http/auth/basic/password".to_owned()));
    }
    if auth.bearer.as_deref() == Some(MASK) {
        found.push(complaint("/http/auth/bearer".to_owned()));
    }
    found
}

/// Monitors to depend on that are not there, or that depend on this one themselves. Changes of
/// dependencies come one at a time in an account, so that no two make a circle together.
async fn wrong_parents(
    connection: &mut PgConnection,
    caller: &Caller,
    spec: &MonitorSpec,
    before: Option<&Monitor>,
) -> UseCaseResult<Vec<FieldError>> {
    let parents = spec.depends_on.as_deref().unwrap_or_default();
    let same = before.and_then(|before| before.spec.depends_on.as_deref());
    if parents.is_empty() || parents.len() > MOST_PARENTS || same == Some(parents) {
        return Ok(Vec::new());
    }
    let account = caller.account_id;
    store::dependencies::lock(connection, account).await?;
    let known = store::monitors::list_known(connection, account, parents).await?;
    let mut errors = Vec::new();
    for (i, parent) in parents.iter().enumerate() {
        let mut wrong = |code, message: &str| {
            errors.push(FieldError::new(format!("/depends_on/{i}"), code, message));
        };
        if before.is_some_and(|before| before.id == *parent) {
            wrong("circle", "must not be the monitor itself");
            continue;
        }
        if !known.contains(parent) {
            wrong("not_found", "must be a monitor of this account");
            continue;
        }
        let above = store::dependencies::list_above(connection, account, &[*parent]).await?;
        if before.is_some_and(|before| above.iter().any(|(id, _)| *id == before.id)) {
            wrong("circle", "must not depend on this monitor itself");
        } else if above.iter().any(|(_, level)| *level >= MOST_LEVELS) {
            wrong("too_deep", "must have fewer than 20 levels above it");
        }
    }
    Ok(errors)
}

async fn unknown_contacts(
    connection: &mut PgConnection,
    caller: &Caller,
    wanted: &[ContactId],
) -> UseCaseResult<Vec<FieldError>> {
    let known = store::contacts::list_known(connection, caller.account_id, wanted).await?;
    let unknown = wanted
        .iter()
        .enumerate()
        .filter(|(_, id)| !known.contains(id));
    Ok(unknown
        .map(|(i, _)| {
            FieldError::new(
                format!("/contact_ids/{i}"),
                "not_found",
                "must be a contact of this account",
            )
        })
        .collect())
}

async fn unknown_regions(
    connection: &mut PgConnection,
    state: &AppState,
    wanted: &[String],
) -> UseCaseResult<Vec<FieldError>> {
    let known = store::regions::list(connection).await?;
    let unknown = wanted.iter().enumerate().filter(|(_, id)| {
        **id != state.config.region && !known.iter().any(|region| region.id == **id)
    });
    Ok(unknown
        .map(|(i, _)| {
            FieldError::new(
                format!("/regions/{i}"),
                "not_found",
                "must be one of our regions; GET /regions lists them",
            )
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use domain::monitor::HttpSpec;
    use domain::monitor::spec::Headers;

    use super::*;

    fn spec(headers: &[(&str, &str)], body: Option<&str>) -> MonitorSpec {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        MonitorSpec {
            http: Some(HttpSpec {
                headers: Some(Headers(headers)),
                body: body.map(str::to_owned),
                ..HttpSpec::default()
            }),
            ..MonitorSpec::default()
        }
    }

    #[test]
    fn a_mask_keeps_the_old_value_and_stands_for_nothing_else() {
        let before = spec(&[("Authorization", "Bearer x"), ("X-B", "b")], Some("old"));
        let mut sent = spec(
            &[("authorization", MASK), ("X-B", "new"), ("X-New", MASK)],
            Some(MASK),
        );
        unmask(&mut sent, Some(&before));
        assert_eq!(
            sent,
            spec(
                &[
                    ("authorization", "Bearer x"),
                    ("X-B", "new"),
                    ("X-New", MASK)
                ],
                Some("old")
            )
        );
        let pointers: Vec<_> = masks(&sent)
            .into_iter()
            .map(|error| error.pointer)
            .collect();
        assert_eq!(pointers, ["/http/headers/X-New"]);
        let url = |url: &str| MonitorSpec {
            url: Some(url.to_owned()),
            ..MonitorSpec::default()
        };
        let old = url("https://u:p@shop.example/a");
        for (sent, kept) in [
            (
                "https://u:••••@shop.example/a",
                Some("https://u:p@shop.example/a"),
            ),
            (
                "https://u:••••@Shop.example/b?c",
                Some("https://u:p@Shop.example/b?c"),
            ),
            ("https://u:••••@evil.example/a", None),
            ("http://u:••••@shop.example/a", None),
            ("https://v:••••@shop.example/a", None),
            ("https://••••@shop.example/a", None),
            ("https://shop.example/a", Some("https://shop.example/a")),
            (
                "https://u:new@shop.example/a",
                Some("https://u:new@shop.example/a"),
            ),
        ] {
            let mut sent = url(sent);
            unmask(&mut sent, Some(&old));
            match kept {
                Some(kept) => assert_eq!(sent, url(kept)),
                None => assert_eq!(masks(&sent)[0].pointer, "/url", "{sent:?}"),
            }
        }
        let mut without = spec(&[], Some(MASK));
        unmask(&mut without, None);
        assert_eq!(masks(&without)[0].pointer, "/http/body");
    }

    #[test]
    fn a_masked_login_keeps_its_secret_while_the_kind_of_login_stays() {
        let with = |auth: serde_json::Value| {
            let http = serde_json::json!({ "http": { "auth": auth } });
            serde_json::from_value::<MonitorSpec>(http).unwrap()
        };
        let before = with(serde_json::json!({"basic": {"username": "u", "password": "p"}}));
        let mut sent = with(serde_json::json!({"basic": {"username": "v", "password": MASK}}));
        unmask(&mut sent, Some(&before));
        assert_eq!(
            sent,
            with(serde_json::json!({"basic": {"username": "v", "password": "p"}}))
        );
        let mut other = with(serde_json::json!({"bearer": MASK}));
        unmask(&mut other, Some(&before));
        assert_eq!(masks(&other)[0].pointer, "/http/auth/bearer");
    }

    #[test]
    fn what_is_sent_to_a_port_is_masked_like_a_body() {
        let with = |send: &str| {
            let spec = serde_json::json!({ "tcp": { "send": send } });
            serde_json::from_value::<MonitorSpec>(spec).unwrap()
        };
        let mut sent = with(MASK);
        unmask(&mut sent, Some(&with("AUTH x")));
        assert_eq!(sent, with("AUTH x"));
        let mut without = with(MASK);
        unmask(&mut without, None);
        assert_eq!(masks(&without)[0].pointer, "/tcp/send");
    }
}
