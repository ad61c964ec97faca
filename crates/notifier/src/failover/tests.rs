//! Who is asked, in which order, and who is left alone.

use std::sync::Mutex;

use super::*;

/// A provider that is its place in the order.
struct Fake(usize);

/// What the providers do, and who was asked.
#[derive(Default)]
struct Script {
    failing: Vec<usize>,
    /// What a failing one says, if not 503.
    trouble: Option<Trouble>,
    asked: Mutex<Vec<usize>>,
}

impl Script {
    fn failing(failing: &[usize]) -> Self {
        Self {
            failing: failing.to_vec(),
            ..Self::default()
        }
    }

    fn answer(&self, place: usize) -> Result<(), Trouble> {
        self.asked.lock().unwrap().push(place);
        match self.failing.contains(&place) {
            true => Err(self.trouble.clone().unwrap_or_else(down)),
            false => Ok(()),
        }
    }
}

impl Carrier<Script> for Fake {
    type Answer = ();

    async fn carry(&self, script: &Script, _: Instant) -> Result<(), Trouble> {
        script.answer(self.0)
    }

    async fn find(&self, script: &Script, _: Timestamp, _: Instant) -> Result<Option<()>, Trouble> {
        script.answer(self.0).map(|()| None)
    }
}

fn providers(count: usize) -> Providers<Fake> {
    Providers::new(
        "twilio",
        Duration::from_secs(10),
        (0..count).map(Fake).collect(),
    )
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn when(second: i64) -> (Timestamp, Instant) {
    (at(second), Instant::now() + Duration::from_secs(20))
}

fn down() -> Trouble {
    Trouble::transient("the provider answers 503", None)
}

/// Sends at `second` where those of `failing` fail; who was asked, and how it ended.
async fn send(
    providers: &Providers<Fake>,
    second: i64,
    failing: &[usize],
) -> (Vec<usize>, Result<Done<()>, Trouble>) {
    let script = Script::failing(failing);
    let ended = providers.send(&script, when(second)).await;
    (script.asked.into_inner().unwrap(), ended)
}

#[tokio::test]
async fn the_second_is_asked_in_the_same_send() {
    let providers = providers(2);
    let (asked, ended) = send(&providers, 0, &[0]).await;
    let done = ended.unwrap();
    assert_eq!((asked, done.provider.as_str()), (vec![0, 1], "twilio2"));
    assert_eq!(
        done.words("Queued"),
        "Queued (twilio: the provider answers 503)"
    );
}

#[tokio::test]
async fn one_that_keeps_failing_is_passed_over_for_a_while() {
    let providers = providers(2);
    for second in [0, 1] {
        assert_eq!(send(&providers, second, &[0]).await.0, [0, 1]);
    }
    assert_eq!(send(&providers, 2, &[0]).await.0, [1]);
    assert_eq!(send(&providers, 30, &[0]).await.0, [1]);
    // One message tries it again, and when it works everybody comes back.
    assert_eq!(send(&providers, 31, &[]).await.0, [0]);
    assert_eq!(send(&providers, 31, &[]).await.0, [0]);
}

#[tokio::test]
async fn one_that_was_passed_over_is_still_better_than_nobody() {
    let providers = providers(2);
    for second in [0, 1] {
        let _ = send(&providers, second, &[0]).await;
    }
    let (asked, ended) = send(&providers, 2, &[1]).await;
    assert_eq!(asked, [1, 0]);
    assert_eq!(ended.unwrap().provider, "twilio");
    let (_, ended) = send(&providers, 3, &[0, 1]).await;
    let message = ended.unwrap_err().message;
    assert!(
        message.contains("twilio: ") && message.contains("twilio2: "),
        "{message}"
    );
}

#[tokio::test]
async fn what_is_refused_or_may_have_arrived_is_not_tried_elsewhere() {
    let refused = Trouble {
        class: ErrorClass::Permanent {
            disable_contact: false,
        },
        ..down()
    };
    let ambiguous = Trouble {
        ambiguous: true,
        ..down()
    };
    for trouble in [refused, ambiguous] {
        let script = Script {
            trouble: Some(trouble),
            ..Script::failing(&[0])
        };
        assert!(providers(2).send(&script, when(0)).await.is_err());
        assert_eq!(script.asked.into_inner().unwrap(), [0]);
    }
}

#[tokio::test]
async fn alone_it_is_asked_always_and_needs_no_name() {
    let providers = providers(1);
    for second in 0..5 {
        let (asked, ended) = send(&providers, second, &[0]).await;
        assert_eq!(asked, [0]);
        assert_eq!(ended.unwrap_err().message, "the provider answers 503");
    }
}

#[tokio::test]
async fn one_that_cannot_say_whether_it_has_it_is_passed_over() {
    let providers = providers(2);
    for second in [0, 5] {
        let script = Script::failing(&[0]);
        assert!(
            providers
                .find((&script, at(0)), when(second))
                .await
                .is_err()
        );
    }
    assert_eq!(send(&providers, 16, &[]).await.0, [1]);
}

#[tokio::test]
async fn a_provider_that_cannot_say_whether_it_has_it_is_waited_for_a_short_while() {
    for (count, waited, goes_on) in [(2, 15, false), (2, 16, true), (1, 600, false)] {
        let script = Script::failing(&[0]);
        let found = providers(count).find((&script, at(0)), when(waited)).await;
        assert_eq!(found.is_ok(), goes_on, "{count} {waited}");
    }
}
