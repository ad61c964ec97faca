//! Resolution: each failure by its name, the policy over whole answers, cache and freshness.

use std::net::SocketAddr;

use domain::check::FailureClass;
use domain::target::AddressPolicy::{Hosted, SelfHosted};
use egress::ResolveErrorKind;
use hickory_resolver::proto::op::ResponseCode;
use rstest::rstest;

use crate::dns_server::{DnsServer, Say};
use crate::{egress, host, within};

const PUBLIC: Say = Say::Addresses(&["1.1.1.1", "2606:4700:4700::1111"], 60);

fn closed_port() -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

#[rstest]
#[case(Say::Code(ResponseCode::NXDomain), FailureClass::DnsNxdomain)]
#[case(Say::Code(ResponseCode::NoError), FailureClass::DnsNoAddress)]
#[case(Say::Code(ResponseCode::ServFail), FailureClass::DnsServfail)]
#[case(Say::Code(ResponseCode::Refused), FailureClass::DnsRefused)]
#[case(Say::Code(ResponseCode::NotImp), FailureClass::DnsServerError)]
#[case(Say::Code(ResponseCode::NotAuth), FailureClass::DnsServerError)]
#[case(Say::Silence, FailureClass::DnsTimeout)]
#[case(Say::Garbage, FailureClass::DnsMalformed)]
#[case(Say::Alias("shop.example"), FailureClass::DnsCnameLoop)]
#[case(Say::Alias("loop.example"), FailureClass::DnsCnameLoop)]
#[case(Say::Chain(&["a.example", "b.example", "a.example"], &[]), FailureClass::DnsCnameLoop)]
#[case(Say::Chain(&["nowhere.example"], &[]), FailureClass::DnsNxdomain)]
#[case(Say::Alias("empty.example"), FailureClass::DnsNoAddress)]
#[case(
    Say::OnlyV4("10.0.0.1", ResponseCode::NoError),
    FailureClass::TargetRefused
)]
#[case(Say::Alias("localhost"), FailureClass::TargetRefused)]
#[case(Say::Alias("LocalHost"), FailureClass::TargetRefused)]
#[case(Say::Chain(&["a.example", "db.localhost"], &[]), FailureClass::TargetRefused)]
#[case(Say::Chain(&["a.example"], &["192.168.1.4"]), FailureClass::TargetRefused)]
#[tokio::test]
async fn failures_have_their_names(#[case] say: Say, #[case] class: FailureClass) {
    let zone = [
        ("shop.example", say),
        ("loop.example", Say::Alias("shop.example")),
        ("empty.example", Say::Code(ResponseCode::NoError)),
    ];
    let server = DnsServer::start(&zone).await;
    let egress = egress(Hosted, &[server.address]);
    let error = egress
        .resolve(&host("shop.example"), 443, false, within(600))
        .await
        .unwrap_err();
    assert_eq!(error.class(), class);
    assert!(!error.ours, "the resolver lives: {error:?}");
}

#[rstest]
#[case(Say::Code(ResponseCode::ServFail), FailureClass::DnsServfail)]
#[case(Say::Code(ResponseCode::Refused), FailureClass::DnsRefused)]
#[case(Say::Silence, FailureClass::DnsTimeout)]
#[tokio::test]
async fn a_resolver_that_fails_for_the_root_too_is_dead(
    #[case] say: Say,
    #[case] class: FailureClass,
) {
    let server = DnsServer::start(&[(".", say.clone()), ("shop.example", say)]).await;
    let egress = egress(Hosted, &[server.address]);
    let error = egress
        .resolve(&host("shop.example"), 443, false, within(600))
        .await
        .unwrap_err();
    assert_eq!((error.class(), error.ours), (class, true));
}

#[tokio::test]
async fn no_resolver_at_all_is_ours() {
    let egress = egress(Hosted, &[closed_port()]);
    let error = egress
        .resolve(&host("shop.example"), 443, false, within(600))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.ours),
        (ResolveErrorKind::Timeout, true)
    );
}

#[tokio::test]
async fn doctor_can_ask_whether_the_resolver_answers() {
    let alive = DnsServer::start(&[]).await;
    let silent = DnsServer::start(&[(".", Say::Silence)]).await;
    for (servers, answers) in [
        (vec![alive.address], true),
        (vec![closed_port(), alive.address], true),
        (vec![silent.address], false),
        (vec![closed_port()], false),
    ] {
        assert_eq!(
            egress(Hosted, &servers).resolver_answers(within(300)).await,
            answers
        );
    }
}

#[rstest]
#[case(Say::Code(ResponseCode::ServFail))]
#[case(Say::Code(ResponseCode::Refused))]
#[case(Say::Garbage)]
#[case(Say::Code(ResponseCode::NXDomain))]
#[case(Say::Code(ResponseCode::NoError))]
#[case(Say::Alias("shop.example"))]
#[tokio::test]
async fn the_next_server_is_asked(#[case] first: Say) {
    let bad = DnsServer::start(&[("shop.example", first)]).await;
    let good = DnsServer::start(&[("shop.example", PUBLIC)]).await;
    let egress = egress(Hosted, &[closed_port(), bad.address, good.address]);
    let found = egress
        .resolve(&host("shop.example"), 443, false, within(3_000))
        .await
        .unwrap();
    let shown: Vec<_> = found.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["1.1.1.1:443", "[2606:4700:4700::1111]:443"]);
}

#[tokio::test]
async fn a_denial_that_others_confirm_or_do_not_answer_stands() {
    let denies = DnsServer::start(&[]).await;
    let denies_too = DnsServer::start(&[]).await;
    for others in [denies_too.address, closed_port()] {
        let egress = egress(Hosted, &[denies.address, others]);
        let error = egress
            .resolve(&host("shop.example"), 443, false, within(3_000))
            .await
            .unwrap_err();
        assert_eq!(error.class(), FailureClass::DnsNxdomain);
    }
}

#[rstest]
#[case(&["1.1.1.1"], true)]
#[case(&["1.1.1.1", "2606:4700:4700::1111"], true)]
#[case(&["10.0.0.1"], false)]
#[case(&["1.1.1.1", "10.0.0.1"], false)]
#[case(&["1.1.1.1", "::1"], false)]
#[case(&["1.1.1.1", "fd00:ec2::254"], false)]
#[case(&["::ffff:1.1.1.1"], false)]
#[case(&["169.254.169.254", "1.1.1.1"], false)]
#[tokio::test]
async fn one_bad_address_spoils_the_answer(
    #[case] addresses: &'static [&'static str],
    #[case] allowed: bool,
) {
    let server = DnsServer::start(&[("shop.example", Say::Addresses(addresses, 60))]).await;
    for policy in [Hosted, SelfHosted] {
        let egress = egress(policy, &[server.address]);
        let name = host("shop.example");
        // The second time the answer comes from the cache and is judged all the same.
        for _ in 0..2 {
            let told = egress.resolve(&name, 80, false, within(2_000)).await;
            assert_eq!(told.is_ok(), allowed || policy == SelfHosted, "{told:?}");
            if let Err(error) = told {
                assert!(error.is_refused());
                assert!(
                    !addresses.iter().any(|ip| error.to_string().contains(ip)),
                    "{error}"
                );
            }
        }
    }
}

#[rstest]
#[case("127.0.0.1")]
#[case("::1")]
#[case("192.168.1.1")]
#[case("::ffff:10.0.0.1")]
#[case("169.254.169.254")]
#[case("localhost")]
#[case("app.localhost")]
#[tokio::test]
async fn literals_and_localhost_are_judged_without_a_query(#[case] text: &str) {
    let server = DnsServer::start(&[]).await;
    let name = host(text);
    let refused = egress(Hosted, &[server.address])
        .resolve(&name, 80, true, within(500))
        .await;
    assert_eq!(refused.unwrap_err().class(), FailureClass::TargetRefused);
    let found = egress(SelfHosted, &[server.address])
        .resolve(&name, 80, true, within(500))
        .await;
    assert!(!found.unwrap().addresses.is_empty());
    assert_eq!(server.asked(text), 0);
}

#[tokio::test]
async fn answers_live_for_their_ttl_unless_a_fresh_one_is_wanted() {
    let server = DnsServer::start(&[
        ("kept.example", Say::Addresses(&["1.1.1.1"], 60)),
        ("never.example", Say::Addresses(&["1.1.1.1"], 0)),
    ])
    .await;
    let egress = egress(Hosted, &[server.address]);
    let look = async |name: &str, fresh| {
        let found = egress
            .resolve(&host(name), 80, fresh, within(2_000))
            .await
            .unwrap();
        (found.addresses[0].to_string(), found.fresh)
    };
    assert_eq!(
        look("kept.example", false).await,
        ("1.1.1.1:80".to_owned(), true)
    );
    server.set("kept.example", Say::Addresses(&["8.8.8.8"], 60));
    assert_eq!(
        look("kept.example", false).await,
        ("1.1.1.1:80".to_owned(), false)
    );
    assert_eq!(
        look("kept.example", true).await,
        ("8.8.8.8:80".to_owned(), true)
    );
    assert_eq!(
        look("kept.example", false).await,
        ("8.8.8.8:80".to_owned(), false)
    );
    assert!(look("never.example", false).await.1);
    assert!(look("never.example", false).await.1);

    server.set("kept.example", Say::Code(ResponseCode::NXDomain));
    let gone = egress
        .resolve(&host("kept.example"), 80, true, within(2_000))
        .await;
    assert!(gone.is_err());
    let still_gone = egress
        .resolve(&host("kept.example"), 80, false, within(2_000))
        .await;
    assert!(
        still_gone.is_err(),
        "a fresh failure must forget the earlier answer"
    );
}

#[rstest]
#[case(Say::Long(&["1.1.1.1"]))]
#[case(Say::NoEdns("1.1.1.1"))]
#[case(Say::Alias("b.example"))]
#[case(Say::Chain(&["x.example", "y.example"], &["1.1.1.1"]))]
#[case(Say::OnlyV4("1.1.1.1", ResponseCode::NoError))]
#[case(Say::OnlyV4("1.1.1.1", ResponseCode::ServFail))]
#[case(Say::OnlyV4("1.1.1.1", ResponseCode::NXDomain))]
#[case(Say::AfterForgeries("1.1.1.1"))]
#[tokio::test]
async fn odd_but_good_answers_are_understood(#[case] say: Say) {
    let zone = [
        ("shop.example", say),
        ("b.example", Say::Addresses(&["1.1.1.1"], 60)),
    ];
    let server = DnsServer::start(&zone).await;
    let egress = egress(Hosted, &[server.address]);
    let found = egress
        .resolve(&host("shop.example"), 80, false, within(3_000))
        .await
        .unwrap();
    assert_eq!(found.addresses[0].to_string(), "1.1.1.1:80");
    assert_eq!(found.addresses.len(), 1);
}

#[tokio::test]
async fn one_living_server_is_enough_to_blame_the_name() {
    let servfail = ("shop.example", Say::Code(ResponseCode::ServFail));
    let dead = DnsServer::start(&[(".", Say::Silence), servfail.clone()]).await;
    let alive = DnsServer::start(&[servfail]).await;
    let egress = egress(Hosted, &[dead.address, alive.address]);
    let error = egress
        .resolve(&host("shop.example"), 443, false, within(2_000))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), error.ours),
        (FailureClass::DnsServfail, false)
    );
}

#[tokio::test]
async fn a_server_that_answers_is_asked_first_from_then_on() {
    let silent = DnsServer::start(&[("shop.example", Say::Silence)]).await;
    let good = DnsServer::start(&[("shop.example", PUBLIC)]).await;
    let egress = egress(Hosted, &[silent.address, good.address]);
    for _ in 0..3 {
        egress
            .resolve(&host("shop.example"), 80, true, within(4_000))
            .await
            .unwrap();
    }
    assert_eq!(silent.asked("shop.example"), 2, "A and AAAA once");
    assert_eq!(good.asked("shop.example"), 6);
}

#[tokio::test]
async fn the_deadline_holds() {
    let silent = DnsServer::start(&[("shop.example", Say::Silence), (".", Say::Silence)]).await;
    let egress = egress(Hosted, &[silent.address, silent.address]);
    let deadline = within(400);
    let error = egress
        .resolve(&host("shop.example"), 80, false, deadline)
        .await
        .unwrap_err();
    assert_eq!(error.class(), FailureClass::DnsTimeout);
    assert!(tokio::time::Instant::now() < deadline + std::time::Duration::from_millis(150));
}
