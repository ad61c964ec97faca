//! Records: whose word is taken, and whether a silence is our own.

use domain::check::FailureClass;
use domain::monitor::blocks::RecordType;
use domain::target::AddressPolicy::Hosted;
use egress::Whom;
use hickory_resolver::proto::op::ResponseCode;
use rstest::rstest;

use crate::dns_server::{DnsServer, Say};
use crate::{egress, within};

const HERE: Say = Say::Addresses(&["192.0.2.1"], 60);

#[rstest]
#[case::of_all(Whom::Ours, Ok("192.0.2.1"))]
#[case::the_first_alone(Whom::Resolver(0), Err((FailureClass::DnsNxdomain, false)))]
#[case::the_second_alone(Whom::Resolver(1), Ok("192.0.2.1"))]
#[case::silent_about_this_name(Whom::Resolver(2), Err((FailureClass::DnsTimeout, false)))]
#[case::silent_about_every_name(Whom::Resolver(3), Err((FailureClass::DnsTimeout, true)))]
#[case::one_that_there_is_not(Whom::Resolver(4), Err((FailureClass::DnsTimeout, true)))]
#[tokio::test]
async fn each_resolver_can_be_asked_alone(
    #[case] whom: Whom,
    #[case] expected: Result<&str, (FailureClass, bool)>,
) {
    let zones: [&[(&str, Say)]; 4] = [
        &[],
        &[("shop.example", HERE)],
        &[("shop.example", Say::Silence)],
        &[("shop.example", Say::Silence), (".", Say::Silence)],
    ];
    let mut servers = Vec::new();
    for zone in zones {
        servers.push(DnsServer::start(zone).await);
    }
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let egress = egress(Hosted, &addresses);
    assert_eq!(egress.resolvers(), 4);
    let told = egress
        .query("shop.example", RecordType::A, whom, within(900))
        .await;
    match expected {
        Ok(record) => assert_eq!(told.unwrap(), [record]),
        Err(expected) => {
            let error = told.unwrap_err();
            assert_eq!((error.class(), error.ours), expected);
        }
    }
}

#[tokio::test]
async fn what_signatures_spoil_is_told_unchecked() {
    let zone = [
        ("shop.example", Say::Bogus("192.0.2.1")),
        ("gone.example", Say::Code(ResponseCode::ServFail)),
    ];
    let server = DnsServer::start(&zone).await;
    let egress = egress(Hosted, &[server.address]);
    let ask = |name, whom| egress.query(name, RecordType::A, whom, within(900));
    let checked = ask("shop.example", Whom::Ours).await.unwrap_err();
    assert_eq!(
        (checked.class(), checked.ours),
        (FailureClass::DnsServfail, false)
    );
    let unchecked = ask("shop.example", Whom::Unchecked).await.unwrap();
    assert_eq!(unchecked, ["192.0.2.1"]);
    let gone = ask("gone.example", Whom::Unchecked).await.unwrap_err();
    assert_eq!(gone.class(), FailureClass::DnsServfail);
}
