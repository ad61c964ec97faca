//! Codes, against a real database.

use jiff::SignedDuration;
use sqlx::PgPool;

use super::*;

async fn contact(pool: &PgPool) -> (AccountId, Contact) {
    let account = AccountId::generate();
    sqlx::query!(
        "INSERT INTO accounts (id, name, created_at, practice_token) VALUES ($1, 'x', now(), $2)",
        account.uuid(),
        account.to_string()
    )
    .execute(pool)
    .await
    .unwrap();
    let contact = Contact {
        id: ContactId::generate(),
        channel: Channel::Sms,
        name: "Kim".into(),
        address: "+4915112345678".into(),
        verified_at: None,
        in_default: true,
        call_on_recovery: false,
        member_id: None,
        only_critical: false,
        quiet_hours: None,
        disabled_reason: None,
        created_at: Timestamp::from_second(1_800_000_000).unwrap(),
    };
    insert(
        &mut pool.acquire().await.unwrap(),
        account,
        &contact,
        &contact.address,
    )
    .await
    .unwrap();
    (account, contact)
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn racing_guesses_are_all_counted(pool: PgPool) {
    let (account, contact) = contact(&pool).await;
    let now = contact.created_at;
    let until = now + SignedDuration::from_mins(10);
    set_code(
        &mut pool.acquire().await.unwrap(),
        account,
        contact.id,
        b"right",
        (now, until),
    )
    .await
    .unwrap();
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let pool = pool.clone();
        guesses.spawn(async move {
            try_code(
                &mut pool.acquire().await.unwrap(),
                account,
                contact.id,
                b"wrong",
                now,
            )
            .await
            .unwrap()
        });
    }
    let mut lefts: Vec<CodeOutcome> = guesses.join_all().await;
    lefts.retain(|outcome| *outcome != CodeOutcome::Dead);
    lefts.sort_by_key(|outcome| format!("{outcome:?}"));
    assert_eq!(
        lefts,
        [0, 1, 2, 3, 4].map(|left| CodeOutcome::Wrong { left })
    );
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(
        try_code(&mut connection, account, contact.id, b"right", now)
            .await
            .unwrap(),
        CodeOutcome::Dead
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_right_code_proves_once_and_in_time(pool: PgPool) {
    let (account, contact) = contact(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    let now = contact.created_at;
    let until = now + SignedDuration::from_mins(10);
    let guess = async |connection: &mut PgConnection, at| {
        try_code(connection, account, contact.id, b"right", at)
            .await
            .unwrap()
    };
    assert_eq!(
        guess(&mut connection, now).await,
        CodeOutcome::Dead,
        "none was sent"
    );
    set_code(&mut connection, account, contact.id, b"right", (now, until))
        .await
        .unwrap();
    assert_eq!(
        guess(&mut connection, until).await,
        CodeOutcome::Dead,
        "too late"
    );
    assert_eq!(guess(&mut connection, now).await, CodeOutcome::Right);
    assert_eq!(guess(&mut connection, now).await, CodeOutcome::Dead, "used");
    let proven = find(&mut connection, account, contact.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(proven.verified_at, Some(now));
    assert!(
        find(&mut connection, AccountId::generate(), contact.id)
            .await
            .unwrap()
            .is_none()
    );
}
