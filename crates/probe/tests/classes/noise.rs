//! Answers that nobody thought of: pieces of good ones, put together by chance.

use std::time::Duration;

use domain::check::verdict::{Expectation, judge};
use domain::incident::diagnosis;
use domain::monitor::{MonitorSpec, Settings};
use testkit::{Script, Server};

use crate::{look_within, prober};

const PIECES: [&[u8]; 22] = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 502 Bad Gateway\r\n",
    b"HTTP/1.0 302 Found\r\n",
    b"HTTP/2 200\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 999 \xff\r\n",
    b"content-length: 5\r\n",
    b"content-length: -1\r\n",
    b"content-length: 99999999999999999999\r\n",
    b"transfer-encoding: chunked\r\n",
    b"content-encoding: gzip\r\n",
    b"content-encoding: deflate\r\n",
    b"location: /x\r\n",
    b"set-cookie: a=b\r\n",
    b"connection: upgrade\r\nupgrade: h2c\r\n",
    b"\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"\x1f\x8b\x08\0\0\0\0\0",
    b"\0\xff\xfe",
    b"hello",
];

/// Whatever comes, the look ends in time with an answer or a failure, and both can be judged and
/// explained.
#[tokio::test]
async fn every_answer_ends_in_a_verdict() {
    let mut state = 7_u64;
    let mut chance = move |of: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % of
    };
    let prober = prober(None);
    let mut statuses = 0;
    for _ in 0..300 {
        let mut answer = PIECES[chance(3)].to_vec();
        for _ in 0..chance(3) {
            // Mostly headers, now and then anything.
            let of = if chance(4) == 0 {
                chance(PIECES.len())
            } else {
                7 + chance(9)
            };
            answer.extend(PIECES[of]);
        }
        if chance(4) > 0 {
            answer.extend(b"\r\n");
        }
        for _ in 0..chance(4) {
            answer.extend(PIECES[chance(PIECES.len())]);
        }
        let script = Script::answer(&answer);
        let script = if chance(4) == 0 {
            script.reset()
        } else {
            script
        };
        let server = Server::plain(script).await;
        let spec = MonitorSpec {
            url: Some(server.url("http", "/")),
            ..MonitorSpec::default()
        };
        let settings = Settings::of(&spec);
        let seen = look_within(Duration::from_millis(300), &prober, &settings.target).await;
        let shown = String::from_utf8_lossy(&answer);
        assert!(seen.failure.is_some() || seen.http.is_some(), "{shown:?}");
        statuses += u32::from(seen.http.is_some());
        let verdict = judge(&seen, &Expectation::of(&settings, true, false));
        let diagnosis = diagnosis::explain(&seen, &verdict, &settings);
        assert_eq!(
            diagnosis.is_none(),
            verdict.kind.is_good(),
            "{shown:?}: {verdict:?}"
        );
    }
    assert!(statuses > 30, "chance made too few answers: {statuses}");
}
