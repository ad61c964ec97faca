//! `dns`: a name has the records that its owner expects.

use ::domain::check::{Failure, FailureClass, Phase};
use ::domain::monitor::DnsTarget;
use ::domain::monitor::blocks::RecordType;
use ::domain::target::{Host, TargetRefusal, server_address};
use egress::{CheckedAddr, Whom};

use crate::look::{Look, Step, limit_text};
use crate::wire::{self, Endpoint};

/// Asks; what is answered is judged later.
pub(crate) async fn look(look: &mut Look<'_>, target: &DnsTarget) -> Step<()> {
    let whom = match &target.server {
        Some(text) => Whom::Server(server(look, text).await?),
        None => Whom::Ours,
    };
    ask(look, target, whom).await
}

/// The same of somebody in particular.
pub(crate) async fn ask(look: &mut Look<'_>, target: &DnsTarget, whom: Whom) -> Step<()> {
    let to = super::endpoint(look, &target.host, 0)?;
    let Host::Name(name) = to.host else {
        let refusal = TargetRefusal::Malformed("an address has no records");
        return Err(refused(&refusal));
    };
    let egress = look.prober.egress();
    let until = wire::until(look);
    match egress.query(&name, target.record, whom, until).await {
        Ok(records) => {
            let none = records.is_empty();
            look.seen.records = Some(records);
            if none { Err(absent(target)) } else { Ok(()) }
        }
        Err(error) => {
            look.seen.our_fault = error.ours;
            let limit = limit_text(look.timeout);
            let message = match (whom, error.class()) {
                // That nobody listens there is told from silence nowhere, and lasts no time.
                (Whom::Server(_), FailureClass::DnsTimeout) => {
                    "the name server does not answer".to_owned()
                }
                _ => error.to_string(),
            };
            Err(Failure::new(error.class(), Phase::Dns, message).with_detail(limit))
        }
    }
}

/// The name exists without a record of this type.
fn absent(target: &DnsTarget) -> Failure {
    let class = match target.record {
        RecordType::A | RecordType::Aaaa => FailureClass::DnsNoAddress,
        _ => FailureClass::DnsWrongAnswer,
    };
    let message = format!("the name has no {} record", target.record.as_str());
    Failure::new(class, Phase::Dns, message)
}

fn refused(refusal: &TargetRefusal) -> Failure {
    Failure::new(
        FailureClass::TargetRefused,
        Phase::Dns,
        format!("the name server {refusal}"),
    )
}

/// The address of the server that the owner named.
async fn server(look: &mut Look<'_>, text: &str) -> Step<CheckedAddr> {
    let policy = look.prober.egress().policy();
    let (host, port) = server_address(text, policy).map_err(|refusal| refused(&refusal))?;
    let to = Endpoint {
        host: host.into_host(),
        port,
    };
    let addresses = wire::resolve(look, &to).await.map_err(|failure| Failure {
        message: format!("of the name server: {}", failure.message),
        ..failure
    })?;
    wire::spend(look, &addresses)?;
    let first = addresses.first().copied();
    look.seen.address = first.map(|address| address.socket_addr());
    first.ok_or_else(|| refused(&TargetRefusal::Empty))
}
