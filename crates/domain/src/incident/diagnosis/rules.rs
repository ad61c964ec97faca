//! Why a look failed, class by class: one readable table. The first line that fits decides.
//!
//! A sentence for the owner of the shop, one for an engineer, and what to do next. To add a rule:
//! a line above the more general one of its class, and a case in `tests.rs`. `{…}` are the values of
//! [`super::case::Case`]; in commands they are quoted for a shell.

use super::Confidence;
use super::case::Case;
use crate::check::{Attribution, FailureClass};

use Attribution::{Dns, Edge, Network, Origin, Ours, Tls};
use Confidence::{Certain, Likely, Possible};

/// One line of the table.
pub(super) struct Rule {
    pub id: &'static str,
    pub class: FailureClass,
    pub fits: fn(&Case<'_>) -> bool,
    pub cause: &'static str,
    pub confidence: Confidence,
    pub attribution: Attribution,
    pub sentence: &'static str,
    pub technical: &'static str,
    /// What to do, and a command or nothing.
    pub steps: &'static [(&'static str, &'static str)],
}

fn always(_: &Case<'_>) -> bool {
    true
}

macro_rules! rules {
    ($($id:literal $class:ident $fits:expr => $cause:literal $confidence:ident $attribution:ident
       $sentence:literal $technical:literal [$($text:literal $command:literal),* $(,)?];)*) => {
        pub(super) const RULES: &[Rule] = &[$(Rule {
            id: $id,
            class: FailureClass::$class,
            fits: $fits,
            cause: $cause,
            confidence: $confidence,
            attribution: $attribution,
            sentence: $sentence,
            technical: $technical,
            steps: &[$(($text, $command)),*],
        },)*];
    };
}

rules! {
    // Names.
    "dns_nxdomain" DnsNxdomain always => "name_gone" Certain Dns
        "The name {host} does not exist. Either the domain was not renewed or its DNS record was removed."
        "NXDOMAIN for {host}."
        ["Is the domain still registered and paid?" "whois {host}",
         "Where does the chain of name servers end?" "dig +trace {host}"];
    "dns_no_address" DnsNoAddress always => "record_missing" Certain Dns
        "The name {host} exists, but no address is set for it."
        "NOERROR without A or AAAA for {host}."
        ["Add an A or AAAA record for the name where your DNS is kept." "dig {host} A {host} AAAA"];
    "dns_servfail" DnsServfail always => "dns_server_fails" Likely Dns
        "The DNS of {host} fails: visitors cannot find your server. Often signatures (DNSSEC) or name servers are wrong after a change."
        "SERVFAIL for {host}: broken DNSSEC, or no authoritative server answers."
        ["If this answers and the plain query does not, DNSSEC is broken." "dig +cd {host}",
         "Do all name servers answer?" "dig +trace {host}"];
    "dns_refused" DnsRefused always => "dns_server_refuses" Likely Dns
        "The name servers of {host} refuse to answer for it. Often the domain points to a DNS provider that does not know it any more."
        "REFUSED for {host}: lame delegation, or the zone was removed."
        ["Are these the name servers of your DNS provider?" "dig +trace {host} NS"];
    "dns_server_error" DnsServerError always => "dns_server_fails" Likely Dns
        "The DNS servers of {host} answer with an error."
        "Error code from DNS for {host}: {message}."
        ["What do the name servers say?" "dig +trace {host}"];
    "dns_timeout_named" DnsTimeout |case| case.seen.address.is_some() => "dns_server_silent" Likely Dns
        "The name server that this monitor asks does not answer for {host}."
        "No DNS answer from the named server; our own resolver was not asked."
        ["Is the name server up, and does it take questions?" "dig {nameserver} {host} {record}",
         "Did the name server move? Then change it in the settings of this monitor." ""];
    "dns_timeout" DnsTimeout always => "dns_server_silent" Likely Dns
        "The DNS servers of {host} do not answer. Visitors cannot find your server."
        "No DNS answer for {host} within {limit}, while our resolver answers other questions."
        ["Which name server is silent?" "dig +trace {host}",
         "Does your DNS provider report an outage?" ""];
    "dns_malformed" DnsMalformed always => "dns_answer_broken" Likely Dns
        "The DNS answer for {host} is broken."
        "The DNS message for {host} cannot be read."
        ["What do the name servers send?" "dig +trace +qr {host}"];
    "dns_cname_chain" DnsCnameLoop |case| case.verdict.failure.as_ref().is_some_and(|failure| failure.message.contains("in a row"))
        => "dns_alias_chain" Certain Dns
        "The DNS aliases of {host} lead from one to the next more often than anyone follows, so they lead to no address."
        "{message}."
        ["Follow the aliases and replace one of the first by an address." "dig +noall +answer {host} CNAME"];
    "dns_cname_loop" DnsCnameLoop always => "dns_alias_loop" Certain Dns
        "The DNS aliases of {host} point to each other in a circle, so they lead to no address."
        "CNAME loop at {host}."
        ["Follow the aliases and replace one by an address." "dig +noall +answer {host} CNAME"];
    "dns_records_differ" DnsWrongAnswer |case| case.seen.records.is_some() => "dns_answer_changed" Likely Dns
        "DNS answers for {host}, but not what you expect of it."
        "{message}."
        ["What do the name servers of the domain say?" "dig +trace {host} {record}",
         "Was the record changed on purpose? Then change the expected values of this monitor." ""];
    "dns_wrong_answer" DnsWrongAnswer always => "dns_answer_changed" Likely Dns
        "The name {host} now leads somewhere that is not your public server."
        "{message}."
        ["Was the DNS record changed?" "dig {host} A {host} AAAA"];

    // Connections.
    "connect_refused_port" ConnectRefused |case| !case.is_web() => "nothing_listens" Likely Origin
        "The machine answers, but nothing takes connections on port {port}. Likely the program on it is stopped."
        "{message}: no listener on port {port}, or a firewall that rejects."
        ["On the server: does anything listen on the port?" "ss -lntup 'sport = :'{port}",
         "Did a service fail?" "systemctl --failed"];
    "connect_refused" ConnectRefused always => "nothing_listens" Likely Origin
        "The machine answers, but nothing takes connections on port {port}. Likely the web server program is stopped."
        "TCP RST from {address}: no listener on port {port}, or a firewall that rejects."
        ["On the server: does anything listen on the port?" "ss -ltnp 'sport = :{port}'",
         "Is the web server running?" "systemctl status nginx apache2 caddy"];
    "connect_timeout" ConnectTimeout always => "host_silent" Possible Network
        "Nothing answers at {address}. The machine is off, its network is down, or a firewall drops us."
        "No answer to SYN from {address} within {limit}."
        ["Does the machine answer at all?" "ping -c 3 {host}",
         "Where does the way end?" "mtr -rwc 10 {host}",
         "Is it running, in your provider's console? Was a firewall rule changed?" ""];
    "connection_reset_port" ConnectionReset |case| !case.is_web() => "connection_reset" Possible Origin
        "The server breaks connections off. A program crashes on them, or a firewall cuts them."
        "TCP RST from {address}: {message}."
        ["What does the program's log say at that second?" "journalctl --since -10min -p warning",
         "Does it happen from elsewhere too?" "nc -v {host} {port}"];
    "connection_reset" ConnectionReset always => "connection_reset" Possible Origin
        "The server breaks connections off. A program crashes on them, or a firewall or proxy cuts them."
        "TCP RST from {address}: {message}."
        ["What does the server's error log say at that second?" "journalctl -u nginx -u apache2 --since -10min",
         "Does it happen from elsewhere too?" "curl -vL {url} -o /dev/null"];
    "network_unreachable" NetworkUnreachable always => "no_route" Likely Network
        "There is no way through the network to {address}. The server's network or its provider has an outage."
        "ICMP unreachable on the way to {address}."
        ["Where does the way end?" "mtr -rwc 10 {host}",
         "Does your hosting provider report an outage?" ""];
    "target_refused" TargetRefused always => "address_refused" Certain Ours
        "This address may not be watched from here: it is not public."
        "{message}."
        ["Watch its public address, or run Watchbell inside your own network." ""];

    // Certificates and handshakes.
    "tls_expired" TlsExpired |case| case.seen.tls.as_ref().and_then(|tls| tls.leaf()).is_some_and(|leaf| leaf.not_after < case.seen.at)
        => "certificate_expired" Certain Tls
        "The certificate of {host} expired on {not_after}. Visitors see a browser warning instead of your site."
        "Leaf certificate by {issuer} expired: {message}."
        ["If certbot renews it, see why it did not." "certbot renew --dry-run",
         "Was it renewed and the web server not reloaded?" "openssl s_client -connect {hostport} -servername {host} </dev/null | openssl x509 -noout -dates"];
    "tls_expired_chain" TlsExpired always => "chain_expired" Certain Tls
        "A certificate in the chain of {host} has expired. Visitors see a browser warning."
        "{message}."
        ["Which one is it? Install the current chain of your certificate authority." "openssl s_client -connect {hostport} -servername {host} -showcerts </dev/null"];
    "tls_not_yet_valid" TlsNotYetValid always => "certificate_early" Certain Tls
        "The certificate of {host} is valid only from {not_before}. Visitors see a browser warning."
        "{message}."
        ["Is the clock of the machine that made it right?" "timedatectl",
         "Install a certificate that is valid now." ""];
    "tls_self_signed" TlsSelfSigned always => "certificate_self_signed" Certain Tls
        "The certificate of {host} was made by the server itself. Visitors see a browser warning."
        "Self-signed leaf: {message}. Often a default certificate after a lost configuration."
        ["Which certificate does the server present for this name?" "openssl s_client -connect {hostport} -servername {host} </dev/null",
         "If it is meant to be so, switch the certificate check of this monitor off." ""];
    "tls_untrusted" TlsUntrusted always => "issuer_untrusted" Certain Tls
        "Browsers do not trust the issuer of the certificate of {host} ({issuer})."
        "{message}."
        ["Who issued it?" "openssl s_client -connect {hostport} -servername {host} -showcerts </dev/null",
         "Is it a private authority? Then give Watchbell its root, or switch the certificate check off." ""];
    "tls_incomplete_chain" TlsIncompleteChain always => "intermediate_missing" Likely Tls
        "The server of {host} does not send its whole certificate chain. Some browsers help themselves, phones and programs fail."
        "The intermediate {issuer} is missing from the chain."
        ["Install the full chain: fullchain.pem, not cert.pem." "openssl s_client -connect {hostport} -servername {host} -showcerts </dev/null"];
    "tls_hostname_mismatch" TlsHostnameMismatch always => "certificate_other_name" Certain Tls
        "The certificate is for {names}, not for {host}. Visitors see a browser warning."
        "{message}."
        ["Which certificate does the server present for this name?" "openssl s_client -connect {hostport} -servername {host} </dev/null | openssl x509 -noout -ext subjectAltName",
         "Is the name in the web server's configuration, and in the certificate?" ""];
    "tls_weak_key" TlsWeakKey always => "certificate_weak" Certain Tls
        "The certificate of {host} has a key or signature that browsers no longer accept."
        "{message}."
        ["Order a new certificate with a key of 2048 bits RSA or 256 bits EC." ""];
    "tls_revoked" TlsRevoked always => "certificate_revoked" Certain Tls
        "The certificate of {host} was revoked by its issuer."
        "The stapled OCSP answer says revoked."
        ["Order a new certificate, and ask {issuer} why." ""];
    "tls_old_only" TlsProtocolVersion |case| case.seen.tls.as_ref().is_some_and(|tls| tls.version.is_some())
        => "tls_too_old" Certain Tls
        "The server of {host} speaks only {version}, which browsers have given up."
        "{message}."
        ["Allow TLS 1.2 and 1.3 in the web server (ssl_protocols, SSLProtocol)." ""];
    "tls_protocol_version" TlsProtocolVersion always => "tls_versions_differ" Likely Tls
        "The server of {host} and we have no version of TLS in common."
        "{message}."
        ["What does it speak?" "openssl s_client -connect {hostport} -servername {host} </dev/null"];
    "tls_client_cert_required" TlsClientCertRequired always => "client_certificate_wanted" Certain Tls
        "The server of {host} only speaks to those who show a certificate."
        "{message}."
        ["Is this on purpose? Watch an address that needs none." ""];
    "tls_name_unknown" TlsHandshakeFailed |case| case.failure_says("unrecognised_name") => "name_not_served" Likely Tls
        "The server refuses the encrypted connection: it does not know the name {host}. Likely the site or its certificate is missing in the web server's configuration."
        "{message} (RFC 6066, 3)."
        ["Is the name in the web server's configuration?" "nginx -T | grep -n server_name",
         "Does the name lead to the right server?" "dig {host} A {host} AAAA",
         "What does the server say?" "openssl s_client -connect {hostport} -servername {host} </dev/null"];
    "tls_no_certificate" TlsHandshakeFailed |case| case.failure_says("internal_error") => "certificate_missing" Likely Tls
        "The server fails inside its own part of the encryption. Likely it has no certificate for {host}, or cannot read it."
        "{message}."
        ["Is there a certificate for this name, and may the server read it?" "ls -l /etc/letsencrypt/live",
         "What does the server's log say at that second?" "journalctl --since -10min -p warning",
         "What does the server say?" "openssl s_client -connect {hostport} -servername {host} </dev/null"];
    "tls_handshake_failed" TlsHandshakeFailed always => "handshake_fails" Possible Tls
        "The encrypted connection to {host} does not come about."
        "{message}."
        ["What does the server say?" "openssl s_client -connect {hostport} -servername {host} </dev/null",
         "Is the name known to the web server? Some refuse unknown names." ""];
    "tls_timeout" TlsTimeout always => "handshake_hangs" Possible Origin
        "The server of {host} takes connections and then does not answer. Likely it is overloaded or stuck."
        "TCP connects to {address}, no ServerHello within {limit}."
        ["On the server: is it out of processes or memory?" "uptime; free -m; ss -s"];
    "tls_not_tls" TlsNotTls always => "not_tls" Certain Origin
        "Port {port} of {host} does not speak TLS: https leads to something else."
        "{message}."
        ["Is 'ssl' set in the web server for this port?" "nginx -T | grep -n listen",
         "Does it answer without TLS?" "curl -v http://{hostport}/ -o /dev/null"];

    // Exchanges.
    "http_no_response" HttpNoResponse always => "closes_silently" Likely Origin
        "The server takes our request and closes without a word. Likely the program behind it crashes, or a rule turns us away."
        "Connection closed with 0 bytes of answer by {address}."
        ["What does the server's log say at that second?" "journalctl --since -10min -p warning",
         "Does it happen from elsewhere too?" "curl -vL {url} -o /dev/null"];
    "http_timeout_silent" HttpTimeout |case| case.answered_nothing_yet() => "no_answer" Likely Origin
        "The server takes connections but does not answer within {limit}. Likely a program behind it is stuck or overloaded."
        "Connected to {address}, no byte of answer within {limit}."
        ["On the server: is it busy, and with what?" "uptime; ss -s; ps aux --sort=-%cpu | head",
         "Are all workers taken? See max_children in the log of php-fpm, or your program's queue." "",
         "Does the database answer?" ""];
    "http_timeout" HttpTimeout always => "answer_stalls" Likely Origin
        "The server begins to answer and does not get on with it within {limit}."
        "{message}."
        ["On the server: is it busy, and with what?" "uptime; ss -s; ps aux --sort=-%cpu | head"];
    "http_malformed_tls" HttpMalformed |case| case.speaks_tls() => "tls_on_plain_port" Likely Origin
        "Port {port} of {host} answers in TLS where plain http was asked for."
        "{message}."
        ["Should the address begin with https?" "curl -v https://{hostport}/ -o /dev/null"];
    "http_malformed" HttpMalformed always => "not_http" Likely Origin
        "What answers at {host} is not a valid web page answer. Often another program has taken the port."
        "{message}."
        ["What listens on the port?" "ss -ltnp 'sport = :{port}'"];
    "http_incomplete" HttpIncomplete always => "answer_cut" Likely Origin
        "The server breaks off in the middle of its answer. Likely a program crashes while answering."
        "{message}."
        ["What does the server's log say at that second?" "journalctl --since -10min -p warning"];
    "header_too_large" HeaderTooLarge always => "headers_too_large" Certain Origin
        "The answer of {host} has more headers than browsers and proxies take. Often a program sets ever more cookies."
        "{message}."
        ["Which headers are they?" "curl -sD - {url} -o /dev/null | head -c 4000"];
    "http2_error" Http2Error always => "http2_breaks" Likely Origin
        "The server breaks the connection off with an HTTP/2 error."
        "{message}."
        ["Does it work over HTTP/1.1?" "curl --http1.1 -vL {url} -o /dev/null",
         "And over HTTP/2?" "curl --http2 -vL {url} -o /dev/null"];
    "body_reset" BodyReset always => "page_broken_off" Likely Origin
        "The page begins and is then broken off. Likely a program or proxy dies while sending it."
        "RST inside the body: {message}."
        ["What does the server's log say at that second?" "journalctl --since -10min -p warning"];
    "body_truncated" BodyTruncated always => "page_cut" Likely Origin
        "The page ends too early: visitors see part of it. Likely a program crashes while sending, or a disk or buffer is full."
        "Fewer bytes than announced: {message}."
        ["Is the disk full?" "df -h",
         "Does it end early elsewhere too?" "curl -vL {url} -o /dev/null"];
    "body_timeout" BodyTimeout always => "page_stalls" Likely Origin
        "The page begins and does not end within {limit}."
        "{message}."
        ["Where does it stall?" "curl -vL {url} -o /dev/null -w '%{size_download} bytes, %{time_total} s'",
         "If this address streams for ever, watch another one." ""];
    "body_too_large" BodyTooLarge always => "page_too_large" Certain Origin
        "The page is larger than we read, so what you ask of its text cannot be decided."
        "{message}."
        ["Watch a smaller page, or put the text near its beginning." ""];
    "body_malformed" BodyMalformed always => "transfer_broken" Likely Origin
        "The page arrives in broken pieces. Likely a proxy or program writes the transfer wrongly."
        "Invalid transfer coding: {message}."
        ["Does it break elsewhere too?" "curl -vL {url} -o /dev/null"];
    "decode_error" DecodeError always => "compression_broken" Likely Origin
        "The page is compressed in a broken way. Often it is compressed twice or its length is wrong."
        "{message}."
        ["Does it work without compression?" "curl -svL -H 'Accept-Encoding: identity' {url} -o /dev/null",
         "And with it?" "curl -svL --compressed {url} -o /dev/null"];

    // Redirects.
    "redirect_loop" RedirectLoop always => "redirect_circle" Certain Origin
        "The redirects of {host} go in a circle, so nobody reaches the page. Often http and https point to each other."
        "Redirects in a circle: {message}; {hops} followed."
        ["Follow them." "curl -sIL --max-redirs 5 {url}",
         "Behind Cloudflare: is the SSL mode Full (strict)?" ""];
    "redirect_too_many" RedirectTooMany always => "redirects_too_many" Certain Origin
        "The page is behind more redirects than {count}."
        "{message}."
        ["Follow them." "curl -sIL --max-redirs 30 {url}"];
    "redirect_invalid" RedirectInvalid always => "redirect_broken" Certain Origin
        "The server sends visitors on to nowhere."
        "{message}."
        ["Where does it point?" "curl -sI {url}"];
    "redirect_blocked" RedirectBlocked always => "redirect_inside" Certain Origin
        "The server sends visitors on to an address that is not public."
        "{message}."
        ["Where does it point? Often a test or internal address was left in the configuration." "curl -sI {url}"];

    // Content.
    "pattern_missing" KeywordMissing |case| case.has_pattern() => "text_gone" Certain Origin
        "The page answers well, but nothing on it matches \"{text}\" any more."
        "{message}."
        ["Is it still in the page?" "curl -sL --compressed {url} | grep -cP -- {text}",
         "Was the page changed on purpose? Then change the expression of this monitor." ""];
    "keyword_missing" KeywordMissing always => "text_gone" Certain Origin
        "The page answers well, but the text \"{text}\" is no longer on it."
        "{message}."
        ["Is it still in the page?" "curl -sL --compressed {url} | grep -c {text}",
         "Was the page changed on purpose? Then change the text of this monitor." ""];
    "keyword_present" KeywordPresent always => "text_shown" Certain Origin
        "The page shows the text \"{text}\", which must not be there."
        "{message}."
        ["Where is it?" "curl -sL --compressed {url} | grep -n {text}"];
    "json_mismatch" JsonMismatch always => "json_differs" Certain Origin
        "The answer of {host} does not say what you expect."
        "{message}."
        ["What does it say?" "curl -sL --compressed {url}"];
    "blocked_by_waf" BlockedByWaf always => "bot_protection" Certain Edge
        "{vendor} takes us for a bot and does not let us look. Visitors may well see the site."
        "{message}."
        ["Let our addresses or our user agent through in the bot rules of {vendor}." ""];
    "tcp_unexpected" TcpUnexpected always => "reply_unexpected" Certain Origin
        "Port {port} of {host} answers with something else than expected."
        "{message}."
        ["What answers there?" "nc -v {host} {port}"];
    "udp_unexpected" UdpUnexpected always => "reply_unexpected" Certain Origin
        "UDP port {port} of {host} answers with something else than expected."
        "{message}."
        ["Is it the right program that answers there? On the server:" "ss -lunp 'sport = :'{port}"];
    "reply_timeout" ReplyTimeout always => "no_answer" Likely Origin
        "The server of {host} is reached but does not answer within {limit}. Likely the program is stuck, or a firewall drops what we send."
        "{message}."
        ["On the server: does the program run, and is it busy?" "uptime; ss -tulnp",
         "What does its log say at that second?" "journalctl --since -10min -p warning"];
    "ping_lost" PingLost always => "host_silent" Possible Network
        "{host} does not reply to ping. The machine is off, its network is down, or a firewall drops ping."
        "{message}."
        ["Where does the way end?" "mtr -rwc 10 {host}",
         "Is it running, in your provider's console? Was a firewall rule changed?" ""];

    // Mail, WebSocket, gRPC.
    "smtp_unexpected" SmtpUnexpected always => "mail_server_refuses" Likely Origin
        "The mail server of {host} is reached but does not greet us as a mail server should."
        "{message}."
        ["What does it say?" "nc -v {host} {port}",
         "Is its queue or disk full, or does it take us for a spammer?" "postqueue -p | tail -1; df -h"];
    "starttls_failed" StarttlsFailed always => "starttls_missing" Likely Tls
        "The server of {host} does not begin encryption when it is asked to."
        "{message}."
        ["Is TLS switched on in the server, and its certificate readable to it?" "journalctl --since -10min -p warning",
         "What does it offer?" "nc -v {host} {port}"];
    "websocket_unexpected" WebsocketUnexpected always => "websocket_breaks" Likely Origin
        "The page at {host} is reached but does not speak WebSocket as expected. Often a proxy does not pass the upgrade on."
        "{message}."
        ["Does the proxy in front pass Upgrade and Connection on?" "nginx -T | grep -n -i upgrade",
         "What does the program's log say at that second?" "journalctl --since -10min -p warning"];
    "grpc_error" GrpcError always => "grpc_fails" Likely Origin
        "The gRPC server of {host} answers the question for its health with an error."
        "{message}."
        ["Ask it yourself." "grpcurl {hostport} grpc.health.v1.Health/Check",
         "Is the health service registered in the program?" ""];
    "grpc_not_serving" GrpcNotServing always => "service_not_serving" Certain Origin
        "The gRPC service of {host} says itself that it is not serving."
        "{message}."
        ["What does the program's log say?" "journalctl --since -10min -p warning",
         "Is what it depends on, such as its database, well?" ""];

    // Registrations.
    "domain_expired" DomainExpired always => "registration_over" Certain Dns
        "The registration of {host} has ended. Its registry may take the name out of DNS at any time."
        "{message}."
        ["Renew it at your registrar today: for some days it is still yours." "whois {host}"];
    "domain_unsupported" DomainUnsupported always => "registry_silent" Certain Ours
        "The registry of {host} does not tell when a registration ends, so this monitor cannot watch it."
        "{message}."
        ["Note the date from your registrar in a calendar, and delete this monitor." ""];
}
