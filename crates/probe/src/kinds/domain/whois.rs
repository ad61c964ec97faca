//! WHOIS: free text over port 43, for registries without RDAP. IANA's own server says which server
//! knows a top-level domain.

use ::domain::check::{FailureClass, Phase};
use jiff::Timestamp;
use tokio::net::TcpStream;

use super::rdap::moment;
use super::{Answer, candidates, silent};
use crate::kinds::talk::Talk;
use crate::look::{Look, Step};
use crate::wire;

/// Who knows the servers of all top-level domains.
const IANA: &str = "whois.iana.org";
const PORT: u16 = 43;
/// Bytes of an answer.
const MAX_ANSWER: usize = 64 * 1024;
/// Lines that name the end, in lower case, as the great registries write them.
const ENDS: [&str; 10] = [
    "registry expiry date",
    "registrar registration expiration date",
    "expiration date",
    "expiry date",
    "expire date",
    "expires on",
    "expires",
    "paid-till",
    "renewal date",
    "validity",
];
/// What registries say of a name that nobody has.
const FREE: [&str; 6] = [
    "no match",
    "not found",
    "no entries found",
    "no data found",
    "status: free",
    "status: available",
];

/// What the registry of `name` says, and which server said so.
pub(super) async fn ask(look: &mut Look<'_>, name: &str) -> Step<(Answer, String)> {
    let tld = name.rsplit('.').next().unwrap_or_default();
    let found = match query(look, IANA, tld).await {
        Ok(text) => field(&text, &["whois", "refer"]),
        Err(why) => return Err(silent(look, format!("{IANA}: {why}"))),
    };
    let Some(server) = found else {
        let message = format!("the registry of .{tld} has neither RDAP nor WHOIS");
        return Err(silent(look, message));
    };
    let mut free = false;
    for candidate in candidates(name) {
        let text = match query(look, &server, candidate).await {
            Ok(text) => text,
            Err(why) => return Err(silent(look, format!("{server}: {why}"))),
        };
        match read(&text) {
            Answer::Until(None) if is_free(&text) => free = true,
            answer => return Ok((answer, server)),
        }
    }
    match free {
        true => Ok((Answer::Unknown, server)),
        false => Ok((Answer::Until(None), server)),
    }
}

/// One question to one server.
async fn query(look: &mut Look<'_>, server: &str, question: &str) -> Result<String, String> {
    let asked = async {
        let to = crate::kinds::endpoint(look, server, PORT)?;
        look.begin_hop();
        let addresses = wire::resolve(look, &to).await?;
        let stream = wire::connect(look, &addresses).await?;
        look.awaits(
            FailureClass::DomainUnsupported,
            "the answer of the registry",
        );
        look.enter(Phase::FirstByte);
        let mut talk: Talk<TcpStream> = Talk::new(stream, FailureClass::DomainUnsupported);
        talk.write(format!("{question}\r\n").as_bytes()).await?;
        while talk.ahead().len() < MAX_ANSWER && talk.more().await? {}
        Ok(String::from_utf8_lossy(talk.ahead()).into_owned())
    };
    let outcome: Step<String> = asked.await;
    look.seen.our_fault = false;
    outcome.map_err(|failure| failure.message)
}

/// The value of the first line that one of `names` begins.
fn field(text: &str, names: &[&str]) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.trim_start().split_once(':')?;
        let value = value.trim();
        let is_it = names.contains(&name.trim().to_ascii_lowercase().as_str());
        (is_it && !value.is_empty()).then(|| value.to_owned())
    })
}

fn read(text: &str) -> Answer {
    let end = |line: &str| -> Option<Timestamp> {
        let line = line.trim_start_matches(['%', '*', ' ', '\t']);
        let lower = line.to_ascii_lowercase();
        let name = ENDS.iter().find(|name| lower.starts_with(**name))?;
        let value = line.get(name.len()..)?;
        let value = value.trim_start_matches([':', '.', ' ', '\t', ']']);
        moment(value).or_else(|| moment(&value.replace(['/', '.'], "-")))
    };
    Answer::Until(text.lines().find_map(end))
}

fn is_free(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let squeezed = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    FREE.iter().any(|words| squeezed.contains(words))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "Domain Name: SHOP.EXAMPLE\r\n   Registry Expiry Date: 2027-08-13T04:00:00Z\r\n",
        Some("2027-08-13T04:00:00Z")
    )]
    #[case(
        "domain: SHOP\npaid-till:     2027-08-13T04:00:00Z\n",
        Some("2027-08-13T04:00:00Z")
    )]
    #[case(
        "domain.......: shop\nexpires......: 2027-08-13 04:00:00\n",
        Some("2027-08-13T04:00:00Z")
    )]
    #[case("Expiry date:  2027/08/13\n", Some("2027-08-13T00:00:00Z"))]
    #[case("Domain: shop.de\nStatus: connect\nChanged: 2020-01-01\n", None)]
    #[case("", None)]
    fn ends(#[case] text: &str, #[case] wanted: Option<&str>) {
        assert_eq!(
            read(text),
            Answer::Until(wanted.and_then(|text| text.parse().ok()))
        );
    }

    #[rstest]
    #[case("No match for domain \"SHOP.EXAMPLE\".", true)]
    #[case("Status:   free", true)]
    #[case("Domain Name: shop", false)]
    fn free_names(#[case] text: &str, #[case] free: bool) {
        assert_eq!(is_free(text), free);
    }

    #[test]
    fn iana_names_the_server() {
        let text = "% IANA WHOIS server\n\nrefer:        whois.nic.example\n\ndomain: EXAMPLE\n";
        assert_eq!(
            field(text, &["whois", "refer"]).as_deref(),
            Some("whois.nic.example")
        );
        assert_eq!(field("whois:\n", &["whois"]), None);
    }
}
