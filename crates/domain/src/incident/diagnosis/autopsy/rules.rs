//! What a closer look tells that one look cannot: one readable table. The first line that fits decides;
//! where none does, the diagnosis of the first look stays.
//!
//! To add a rule: a line above the more general ones, with what it is drawn from, and a case in
//! `tests.rs`. `{…}` are the values of `explain::values`, and those of [`super::super::case::Case`].

use super::Question as Q;
use super::fits::{
    has_bad_certificate, is_answer, is_cut_off, is_name, is_old_error, is_own_side,
    is_server_error, is_slow, is_tls, some_addresses,
};
use super::scene::{Says, Scene};
use crate::check::{Attribution, FailureClass as C};
use crate::incident::diagnosis::Confidence;

use Attribution::{Dns, Edge, Network, Origin, OriginProxy, Tls};
use Confidence::{Certain, Likely, Possible};

/// What the closer look says of the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It is the one of the first look, and surer or told better.
    Same,
    /// It is this one.
    New(&'static str),
}

/// One line of the table.
pub(super) struct Rule {
    pub id: &'static str,
    pub fits: fn(&Scene<'_>) -> bool,
    pub cause: Cause,
    pub confidence: Confidence,
    /// Where the fault lies; `None`: where the first look saw it.
    pub attribution: Option<Attribution>,
    pub sentence: &'static str,
    pub technical: &'static str,
    pub steps: &'static [(&'static str, &'static str)],
}

macro_rules! rules {
    (@cause same) => { Cause::Same };
    (@cause $cause:literal) => { Cause::New($cause) };
    (@at there) => { None };
    (@at $attribution:ident) => { Some($attribution) };
    ($($id:literal $fits:expr => $cause:tt $confidence:ident $attribution:ident
       $sentence:literal $technical:literal [$($text:literal $command:literal),* $(,)?];)*) => {
        pub(super) const RULES: &[Rule] = &[$(Rule {
            id: $id,
            fits: $fits,
            cause: rules!(@cause $cause),
            confidence: $confidence,
            attribution: rules!(@at $attribution),
            sentence: $sentence,
            technical: $technical,
            steps: &[$(($text, $command)),*],
        },)*];
    };
}

rules! {
    // Where it fails from. A majority of regions said down, and one region's way may still be all there is.
    "works_elsewhere" |s| { let (good, bad) = s.regions(); !good.is_empty() && !bad.is_empty() }
        => "region_only" Likely Network
        "It works from {goodregions} and fails from {badregions}. Likely the way there, one location of a CDN, or a block by country."
        "{before} From {goodregions} the same look works."
        ["Does it work for you?" "curl -svo /dev/null {url}",
         "Does your CDN or provider report an outage in that part of the world?" "",
         "Does a firewall or a rule by country refuse the addresses we look from?" ""];

    // Past what stands in front: what fails there is in front, what fails the same behind is behind. An origin that
    // refuses us, or takes no connection, may only be behind a firewall that lets its CDN in, and decides nothing.
    "origin_certificate" |s| s.origin_says() == Some(Says::Well) && s.still_fails() && is_server_error(s) && has_bad_certificate(s) && !s.is_mixed()
        => "origin_certificate" Likely Tls
        "Asked directly, your server answers well, but {certificate} there. Likely what stands in front of it refuses that certificate."
        "{before} The origin at {origin} passes the same look where its certificate is not judged."
        ["Which certificate does the origin present?" "openssl s_client -connect {originport} -servername {host} </dev/null | openssl x509 -noout -dates -subject",
         "Ask the origin yourself." "curl -ksvo /dev/null --connect-to ::{connectto} {url}",
         "Install a valid one there. Full (strict) of a CDN wants it in date and for this name." ""];
    "origin_shut_out" |s| s.origin_says() == Some(Says::Well) && s.still_fails() && is_cut_off(s)
        => "edge_shut_out" Likely Network
        "Asked directly, your server answers us well, but your CDN says that it does not get through to it. Likely a firewall refuses the CDN's addresses, or the CDN has another address for your server."
        "{before} The origin at {origin} passes the same look ({originsays})."
        ["Are the CDN's address ranges allowed at the origin?" "iptables -S; nft list ruleset",
         "Does the CDN have {originhost} as its origin, and does its SSL mode fit?" "",
         "Ask the origin yourself." "curl -ksvo /dev/null --connect-to ::{connectto} {url}"];
    "origin_answers" |s| s.origin_says() == Some(Says::Well) && s.still_fails() && is_answer(s) && !s.is_mixed() && !is_old_error(s)
        => "edge_fails" Likely Edge
        "Asked directly, your server answers well. Likely what stands in front of it fails: the CDN, or the way between the two."
        "{before} The origin at {origin} passes the same look ({originsays})."
        ["Ask the origin yourself." "curl -ksvo /dev/null --connect-to ::{connectto} {url}",
         "Does your CDN report an outage, and does it have the right origin, firewall rules and SSL mode?" "",
         "Does the origin let the CDN's address ranges in?" "iptables -S; nft list ruleset"];
    "origin_fails_too" |s| s.origin_says() == Some(Says::Fails) && s.still_fails() && is_answer(s) && !s.is_mixed() && !is_old_error(s) && is_own_side(s)
        => same Likely there
        "{same} Asked directly, past what stands in front of it, your server fails too ({originwhy})."
        "{before} The origin at {origin} fails the same look ({originsays})."
        ["Ask it yourself." "curl -ksvo /dev/null --connect-to ::{connectto} {url}",
         "On the server: what failed in the last minutes?" "systemctl --failed; journalctl --since -10min -p err",
         "Is it busy, out of memory, or its disk full?" "uptime; free -m; df -h"];
    "origin_fails" |s| s.origin_says() == Some(Says::Fails) && s.still_fails() && is_answer(s) && !s.is_mixed() && !is_old_error(s)
        => "origin_fails" Likely Origin
        "Your server itself fails: asked directly, past what stands in front of it, it fails too ({originwhy}). Likely its program, its proxy or its database."
        "{before} The origin at {origin} fails the same look ({originsays})."
        ["Ask it yourself." "curl -ksvo /dev/null --connect-to ::{connectto} {url}",
         "On the server: what failed in the last minutes?" "systemctl --failed; journalctl --since -10min -p err",
         "Is it busy, out of memory, or its disk full?" "uptime; free -m; df -h"];
    "origin_unreachable" |s| s.origin_says() == Some(Says::Nothing) && s.still_fails() && is_cut_off(s) && !has_bad_certificate(s)
        => "origin_unreachable" Likely Origin
        "Neither your CDN nor we get through to your server ({originwhy}). Likely the server or its web server is down."
        "{before} The origin at {origin}, asked directly: {originwhy}."
        ["Is it running, and does its web server listen?" "ss -ltn; systemctl --failed",
         "Ask it yourself." "curl -ksvo /dev/null --connect-to ::{connectto} {url}",
         "Does a firewall keep everybody out?" "iptables -S; nft list ruleset"];

    // Addresses one by one (RFC 8305: clients try both families, many tools only one).
    "ipv6_fails" |s| some_addresses(s) && s.addresses().bad.iter().all(|ip| ip.is_ipv6()) && s.addresses().good.iter().all(|ip| ip.is_ipv4())
        => "ipv6_fails" Certain Network
        "Over IPv4 your site works, over IPv6 it does not. Visitors with IPv6 wait, or see nothing."
        "{good} works, {bad} fails: {before}"
        ["Does the web server listen on IPv6?" "ss -ltn6",
         "If it is not meant to, remove the AAAA record." "dig {host} AAAA",
         "Try it yourself." "curl -6svo /dev/null {url}"];
    "ipv4_fails" |s| some_addresses(s) && s.addresses().bad.iter().all(|ip| ip.is_ipv4()) && s.addresses().good.iter().all(|ip| ip.is_ipv6())
        => "ipv4_fails" Certain Network
        "Over IPv6 your site works, over IPv4 it does not. Most visitors still come over IPv4."
        "{good} works, {bad} fails: {before}"
        ["Does the web server listen on IPv4?" "ss -ltn4",
         "Does the A record name the right address?" "dig {host} A",
         "Try it yourself." "curl -4svo /dev/null {url}"];
    "one_certificate" |s| some_addresses(s) && is_tls(s)
        => "one_server_bad_certificate" Certain Tls
        "The servers of {host} show different certificates: {good} a good one, {bad} a bad one. Likely one was left out when it was renewed."
        "{bad}: {before} {good} passes."
        ["Which certificate does it present?" "openssl s_client -connect {bad1}:{port} -servername {host} </dev/null | openssl x509 -noout -dates -issuer",
         "Install the renewed one there too, and reload its web server." ""];
    "one_address" |s| some_addresses(s)
        => "one_address_fails" Certain Origin
        "The name {host} leads to {of} addresses, and {bad} of them does not work. Part of your visitors sees an error."
        "{good} works, {bad} fails: {before}"
        ["Ask that one." "curl -svo /dev/null --connect-to ::{bad1}: {url}",
         "Take it out of DNS or of rotation until it is mended." "dig {host} A {host} AAAA"];

    // The name leads elsewhere than at the last good look, and what was there still works. Name servers that
    // still name the old one were put right, or are not who answered.
    "resolvers_astray" |s| s.left().is_some_and(|old| s.addresses().good == [old] && s.is_still_meant(old)) && s.still_fails()
        => "dns_answer_stale" Likely Dns
        "Your name servers say that {host} is at {old}, which works, but resolvers lead to {new}, which does not. Likely a wrong record that was put right, and is remembered until its time is over."
        "Answers of {servers} still lead to {old}, those of resolvers to {new}; {old} passes the same look. {before}"
        ["How long do resolvers remember it? The second column, in seconds." "dig {host} A",
         "What do your name servers say?" "dig @{server1} {host} A",
         "If you never set {new}: does anybody else answer for your domain?" "dig +trace {host} A"];
    "dns_points_elsewhere" |s| s.left().is_some_and(|old| s.addresses().good == [old]) && s.still_fails()
        => "dns_points_elsewhere" Likely Dns
        "The name {host} now leads to {new}, which fails. The server at {old}, where it led before, still serves your site. Likely its DNS record was changed by mistake or too early."
        "{host} moved from {old} to {new}; {old} passes the same look. {before}"
        ["What do your name servers say?" "dig {host} A {host} AAAA",
         "Was it meant to move? Then finish the new server, or put the record back until it is." "",
         "Ask the old server." "curl -svo /dev/null --connect-to ::{old}: {url}"];

    // Names. An authoritative answer decides over what resolvers say (RFC 1034, 4.3.1; RFC 2308).
    "domain_gone" |s| is_name(s) && s.missing_domain().is_some()
        => "domain_gone" Likely Dns
        "The domain {zone} itself is not known in DNS. Likely its registration ended, or its registry has put it on hold."
        "NXDOMAIN for {zone} as well as for {host}: no delegation."
        ["Is it still registered and paid? Look for clientHold or serverHold." "whois {zone}",
         "Does its registry delegate it?" "dig +trace {zone} NS"];
    "dnssec_unchecked" |s| s.signatures_fail() && s.still_fails()
        => "dnssec_broken" Likely Dns
        "Resolvers refuse the answer for {host}, and give it where they need not check it. Likely the signatures (DNSSEC) of its domain have run out or do not fit, and most visitors cannot find your site."
        "SERVFAIL for {host}, an answer with checking disabled (CD bit)."
        ["Are the signatures in date? The first of the two long numbers of RRSIG is their end. Without +cd there is no answer." "dig +cd +dnssec {host}",
         "Does the DS record at the registry fit the keys of the zone?" "dig {zone} DS +short; dig +cd {zone} DNSKEY +short",
         "The quickest help: have the DS record removed at your registrar." ""];
    "name_servers_differ" |s| { let all = s.name_servers(); is_name(s) && !all.know.is_empty() && (!all.deny.is_empty() || !all.silent.is_empty() || !all.fail.is_empty()) }
        => "name_servers_differ" Certain Dns
        "The name servers of {zone} do not agree: {knowing} knows {host}, {failing} does not answer for it. Part of your visitors cannot find it."
        "{failing} fails for {host}, {knowing} answers."
        ["Ask the one that fails." "dig @{failing1} {host}",
         "Does it still get the zone from its primary (same serial on all)?" "dig +nssearch {zone}"];
    "record_removed" |s| { let all = s.name_servers(); matches!(s.class(), C::DnsNxdomain | C::DnsNoAddress) && !all.deny.is_empty() && all.deny.len() == all.asked() }
        => "record_removed" Certain Dns
        "The name servers of {zone} themselves say that {host} has no address: the record is not in your DNS any more."
        "{servers}: no A or AAAA for {host}."
        ["Put the record back where your DNS is kept." "dig @{server1} {host} ANY"];
    "dns_not_everywhere_yet" |s| { let all = s.name_servers(); matches!(s.class(), C::DnsNxdomain | C::DnsNoAddress) && !all.know.is_empty() && all.know.len() == all.asked() }
        => "dns_not_everywhere_yet" Likely Dns
        "Your name servers know {host}, but others still remember that it was missing. Likely it was just put back, and heals by itself."
        "{servers} answer for {host}; resolvers hold a negative answer (RFC 2308)."
        ["How long do they remember it? The last number of the SOA record, in seconds." "dig {zone} SOA +short"];
    "resolvers_cut_off" |s| { let all = s.name_servers(); s.class() == C::DnsServfail && s.fails_unchecked() && !all.know.is_empty() && all.know.len() == all.asked() }
        => "resolvers_cut_off" Possible Dns
        "Your name servers answer us, but resolvers get no answer from them. Possibly they refuse or slow down resolvers, or the registry names others than these."
        "{servers} answer for {host}, resolvers say SERVFAIL even with checking disabled (CD bit)."
        ["Does each step of the delegation lead to these servers?" "dig +trace {host}",
         "Does a firewall or a rate limit of your DNS provider refuse resolvers?" ""];
    "dnssec_broken" |s| { let all = s.name_servers(); s.class() == C::DnsServfail && !all.know.is_empty() && all.know.len() == all.asked() }
        => "dnssec_broken" Likely Dns
        "Your name servers answer, but resolvers refuse the answer. Likely the signatures (DNSSEC) of {zone} are broken or have run out."
        "{servers} answer for {host}, resolvers say SERVFAIL."
        ["If this answers and the plain query does not, DNSSEC is it." "dig +cd {host}",
         "Does the DS record at the registry fit the keys of the zone?" "dig {zone} DS +short; dig {zone} DNSKEY +short",
         "The quickest help: have the DS record removed at your registrar." ""];
    "name_servers_refuse" |s| { let all = s.name_servers(); is_name(s) && !all.fail.is_empty() && all.fail.len() == all.asked() }
        => "name_servers_refuse" Likely Dns
        "The name servers of {zone} answer with an error. Often the domain points to a DNS provider that does not know it any more."
        "{servers} refuse or fail for {host}: lame delegation (RFC 9499)."
        ["Is the zone still set up there?" "dig @{server1} {zone} SOA",
         "Are these the servers your provider told you?" "dig +trace {zone} NS"];
    "name_servers_down" |s| { let all = s.name_servers(); is_name(s) && !all.silent.is_empty() && all.silent.len() == all.asked() }
        => "name_servers_down" Likely Dns
        "None of the name servers of {zone} that we asked answers. Visitors cannot find your server."
        "No answer for {host} from {servers}."
        ["Does your DNS provider report an outage?" "",
         "Ask one." "dig @{server1} {zone} SOA"];
    "resolvers_differ" |s| is_name(s) && s.resolvers_differ()
        => "dns_not_everywhere_yet" Possible Dns
        "Resolvers do not agree on {host}: one finds it, another does not. Part of your visitors cannot find it. Possibly a change of its DNS is under way, or one of its name servers fails."
        "{before} Another of our resolvers answers."
        ["Do all your name servers have the same serial?" "dig +nssearch {zone}",
         "What does each answer?" "dig +trace {host}"];

    // One scheme works and the other does not.
    "https_not_served" |s| s.still_fails() && s.class() == C::ConnectRefused && s.is_https() && s.answers_well(&Q::OtherScheme)
        => "https_not_served" Certain Origin
        "The web server runs and answers over http, but takes no https connections. Likely its part for https is switched off or failed to load."
        "TCP RST on port {port}, while port 80 answers."
        ["Does it listen for https?" "ss -ltnp 'sport = :{port}'",
         "Is the configuration valid, and can it read the certificate?" "nginx -t; apachectl configtest"];
    "https_filtered" |s| s.still_fails() && s.class() == C::ConnectTimeout && s.is_https() && s.answers_well(&Q::OtherScheme)
        => "port_filtered" Likely Network
        "The web server answers over http, but port {port} is silent. Likely a firewall drops it."
        "No answer to SYN on port {port}, while port 80 answers."
        ["Does the firewall let port {port} in?" "iptables -S; nft list ruleset",
         "In your provider's console: is the port in the security group?" ""];
    "http_not_served" |s| s.still_fails() && s.class() == C::ConnectRefused && !s.is_https() && s.answers_well(&Q::OtherScheme)
        => "http_not_served" Certain Origin
        "The web server answers over https, but no longer takes plain http."
        "TCP RST on port {port}, while port 443 answers."
        ["Is that on purpose? Then watch the https address." "",
         "Does it listen?" "ss -ltnp 'sport = :{port}'"];

    // Signs of life around a port that is silent.
    "port_silent" |s| s.still_fails() && s.class() == C::ConnectTimeout && s.open_port().is_some()
        => "port_filtered" Likely Network
        "The machine at {address} is on: its port {open} answers. Only port {port} is silent. Likely a firewall drops it, or the program is stuck with its queue full."
        "No answer to SYN on port {port}; port {open} connects."
        ["Does anything listen, and is its queue (Recv-Q) full?" "ss -ltn 'sport = :{port}'",
         "Does a firewall drop it?" "iptables -S; nft list ruleset"];
    "machine_alive" |s| s.still_fails() && s.class() == C::ConnectTimeout && s.is_alive()
        => "port_filtered" Likely Network
        "The machine at {address} is on, but port {port} is silent. Likely a firewall drops it, or the program is stuck with its queue full."
        "No answer to SYN on port {port}; the host replies otherwise."
        ["Does anything listen, and is its queue (Recv-Q) full?" "ss -ltn 'sport = :{port}'",
         "Does a firewall drop it?" "iptables -S; nft list ruleset"];
    "machine_dark" |s| s.still_fails() && s.class() == C::ConnectTimeout && s.is_dark()
        => "host_silent" Likely Network
        "Nothing at {address} answers: no port that we tried, and no ping. Likely the machine is off or its network is down."
        "No answer from {address} to SYN on several ports, nor to ICMP echo."
        ["Is it running, in your provider's console?" "",
         "Does your provider report an outage?" "",
         "Where does the way end?" "mtr -rwc 10 {host}"];
    "only_this_port" |s| s.still_fails() && s.class() == C::ConnectRefused && s.open_port().is_some()
        => same Likely Origin
        "The machine is on and its port {open} takes connections, but nothing does on port {port}. Likely the program on it is stopped."
        "TCP RST on port {port}; port {open} connects."
        ["On the server: does anything listen on the port?" "ss -ltnp 'sport = :{port}'",
         "Did a service fail?" "systemctl --failed"];

    // Caches and methods.
    "error_cached" |s| s.still_fails() && s.is_good(&Q::PastCaches) && s.is_cached() && !s.was_mixed()
        => "error_cached" Likely Edge
        "The page itself works again; a cache in front still hands out the old error."
        "Past the cache the same page passes. {before}"
        ["Purge this page in your CDN or cache." "",
         "How long may errors be kept? Look at cache-control and the rules for errors." "curl -sD - -o /dev/null {url}"];
    "head_refused" |s| s.method_is("HEAD") && s.class() == C::HttpStatus && s.still_fails() && s.passes(&Q::OtherMethod)
        => "head_not_supported" Certain Origin
        "The page works for visitors. Only the short form of asking (HEAD) that this monitor uses gets {status}."
        "HEAD gets {status}, GET passes."
        ["Let this monitor ask with GET." "",
         "Or let the server answer HEAD (RFC 9110, 9.3.2)." "curl -sI {url}"];

    // The same request, now good and now bad.
    "one_of_several" |s| is_server_error(s) && s.is_mixed()
        => "one_backend_fails" Likely OriginProxy
        "The page works and fails by turns. Likely one of several servers behind it is broken and still gets visitors."
        "Same address, same request: {status} and good answers by turns."
        ["Which server fails its health check? See the balancer's status page." "",
         "Take it out of rotation, then mend it." "",
         "Ask ten times." "for i in 1 2 3 4 5 6 7 8 9 10; do curl -so /dev/null -w '%{http_code} ' {url}; done"];
    "comes_and_goes" |s| s.was_mixed()
        => same Possible Origin
        "It has worked and failed by turns for an hour. {same}"
        "{before} Good and bad looks alternate."
        ["What happens at those moments? Compare them with the load, and with tasks that run by the clock." "uptime; ls /etc/cron.d",
         "Is a limit of connections or memory reached?" "free -m; ss -s"];

    // A time-out is as long each time; what crashes is not.
    "gives_up_alike" |s| is_server_error(s) && matches!(s.cause(), "upstream_fails" | "overloaded") && s.still_fails() && s.patience().is_some()
        => "upstream_slow" Likely there
        "Your server answers {status}, each time after {patience}: it waits no longer. Likely the program behind it is stuck or overloaded."
        "{status} after {patience} each time, which is a time-out between the proxy and its upstream. {before}"
        ["What is it busy with?" "uptime; ps aux --sort=-%cpu | head",
         "Is the database slow or locked?" "",
         "What does the proxy's log say?" "grep -i 'time' /var/log/nginx/error.log /var/log/apache2/error.log | tail"];

    // How much of the server is affected.
    "program_dead" |s| s.cause() == "upstream_dead" && s.answers_well(&Q::NeutralPath) && s.still_fails()
        => same Likely OriginProxy
        "Your web server is fine and answers for other files. Likely the program behind this page is not running. If it is, it is not reached or gives no proper answer."
        "/robots.txt is answered, {url} gets {status} at once."
        ["On the server:" "curl -svo /dev/null -H {hostheader} {local}",
         "Is the program behind it running?" "systemctl --failed; systemctl status 'php*-fpm'",
         "Does the proxy's upstream match what listens?" "ss -ltnp; tail -n 20 /var/log/nginx/error.log"];
    "only_this_page_slow" |s| is_slow(s) && s.still_fails() && s.answers_well(&Q::NeutralPath)
        => "page_slow" Likely there
        "The server answers a small file at once; only this page takes too long. Likely all workers of its program are taken, or it waits for a database or another service."
        "/robots.txt is answered in time. {before}"
        ["What is the slowest query or call of this page?" "",
         "Are all workers taken? See max_children in the log of php-fpm, or your program's queue." "grep -h max_children /var/log/php*fpm*.log | tail -3"];
    "server_stuck" |s| s.class() == C::HttpTimeout && s.still_fails() && s.fails_alike(&Q::NeutralPath)
        => "server_stuck" Likely Origin
        "The server takes connections but answers nothing in time, not even a small file. Likely it is overloaded or stuck as a whole."
        "{before} /robots.txt times out as well."
        ["On the server: is it busy, out of memory or out of disk?" "uptime; free -m; df -h",
         "Are all workers taken?" "ss -s"];
    "only_this_page" |s| is_server_error(s) && matches!(s.cause(), "application_error" | "error_status" | "upstream_crashes" | "upstream_fails") && s.still_fails() && s.answers_well(&Q::NeutralPath)
        => same Likely there
        "Only this page fails, with {status}: the server answers other files. Likely the program behind the page has an error."
        "/robots.txt is answered. {before}"
        ["What does the program's error log say at that second?" "journalctl --since -10min -p err",
         "Was there a deploy or an update?" ""];
    "whole_site" |s| is_server_error(s) && matches!(s.cause(), "application_error" | "error_status" | "upstream_fails" | "overloaded") && s.still_fails() && s.fails_alike(&Q::NeutralPath)
        => same Possible there
        "Not only this page: the server answers {status} to everything we asked. {same}"
        "/robots.txt gets {status} too. {before}"
        ["What does the server's error log say at that second?" "journalctl --since -10min -p err; tail -n 20 /var/log/nginx/error.log",
         "Is it busy, or its disk full?" "uptime; free -m; df -h",
         "Was there a deploy or an update?" ""];
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_rule_has_a_name_of_its_own_and_says_what_to_do() {
        let ids: HashSet<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert_eq!(ids.len(), RULES.len());
        for rule in RULES {
            assert!((1..=3).contains(&rule.steps.len()), "{}", rule.id);
            if rule.confidence == Certain {
                let unsure = ["ikely", "ossibly"]
                    .iter()
                    .any(|word| rule.sentence.contains(word));
                assert!(
                    !unsure || rule.sentence.contains(". Likely"),
                    "{}: {}",
                    rule.id,
                    rule.sentence
                );
            }
        }
    }
}
