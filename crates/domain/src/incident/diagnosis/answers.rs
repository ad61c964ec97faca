//! Why an error answer came, by what it means: the second table, for `http_status` alone.

use super::Confidence;
use super::case::Case;
use crate::check::attribution::Meaning;

use Confidence::{Likely, Possible};

/// One line of the table. Confidence never exceeds that of the reading.
pub(super) struct Answer {
    pub id: &'static str,
    pub meaning: Meaning,
    pub fits: fn(&Case<'_>) -> bool,
    pub cause: &'static str,
    pub confidence: Confidence,
    pub sentence: &'static str,
    pub technical: &'static str,
    pub steps: &'static [(&'static str, &'static str)],
}

fn always(_: &Case<'_>) -> bool {
    true
}

macro_rules! answers {
    ($($id:literal $meaning:ident $fits:expr => $cause:literal $confidence:ident
       $sentence:literal $technical:literal [$($text:literal $command:literal),* $(,)?];)*) => {
        pub(super) const ANSWERS: &[Answer] = &[$(Answer {
            id: $id,
            meaning: Meaning::$meaning,
            fits: $fits,
            cause: $cause,
            confidence: $confidence,
            sentence: $sentence,
            technical: $technical,
            steps: &[$(($text, $command)),*],
        },)*];
    };
}

answers! {
    "gateway_at_once" GatewayFailed |case| case.at_once() => "upstream_dead" Likely
        "Your server answers {status}{passing}. Likely the program behind your web server is not running. If it is, it is not reached or gives no proper answer."
        "{speaker} answers {status} at once: a proxy on the origin's side is alive; likely nothing listens behind it, or what listens breaks off."
        ["On the server:" "curl -svo /dev/null -H {hostheader} {local}",
         "Is the program behind it running?" "systemctl --failed; systemctl status 'php*-fpm'",
         "Does the proxy's upstream match what listens?" "ss -ltnp; tail -n 20 /var/log/nginx/error.log"];
    "gateway_round" GatewayFailed |case| case.at_a_round_time() => "upstream_slow" Likely
        "Your server answers {status} after {seconds}{passing}. Likely the program behind it takes longer than the proxy waits."
        "{speaker} answers {status} after {seconds}, which is a proxy's time-out."
        ["What is it busy with?" "uptime; ps aux --sort=-%cpu | head",
         "What does the proxy's log say?" "grep -i 'timed out' /var/log/nginx/error.log | tail"];
    "gateway" GatewayFailed always => "upstream_fails" Possible
        "Your server answers {status}{passing}. The program behind your web server does not answer it properly."
        "{speaker} got no valid answer from its upstream."
        ["On the server:" "curl -svo /dev/null -H {hostheader} {local}",
         "What do the logs of web server and program say at that second?" "journalctl --since -10min -p warning"];
    "upstream_refused" UpstreamRefused always => "upstream_dead" Likely
        "{speaker} is refused by your server{passing}. Likely the program it passes requests to is not running."
        "{speaker} reports a refused connection to what stands behind it."
        ["Does anything listen on the port that the proxy uses?" "ss -ltnp",
         "Is the program running?" "systemctl --failed"];
    "upstream_unreachable" UpstreamUnreachable always => "origin_unreachable" Likely
        "{speaker} cannot reach your server. It is off, or a firewall between them drops the connection."
        "{speaker} reports that the origin does not answer ({status})."
        ["Does the firewall allow the addresses of {speaker}?" "iptables -S | head -50",
         "Is the server up, and its address still the one that {speaker} has?" ""];
    "upstream_crashed" UpstreamCrashed always => "upstream_crashes" Likely
        "Your program breaks off while answering{passing}. Likely it crashes on this page."
        "{speaker}: the upstream ended the connection inside its answer."
        ["What does the program's log say at that second?" "journalctl --since -10min -p warning",
         "Was it killed for memory?" "journalctl -k --since -1h | grep -i 'killed process'"];
    "unread_round" UpstreamUnread |case| case.at_a_round_time() => "upstream_slow" Likely
        "Your server answers {status} after {seconds}{passing}. Likely the program behind it takes longer than {speaker} waits."
        "{speaker} gave up reading from its upstream after {seconds}, which is a proxy's time-out."
        ["What is it busy with?" "uptime; ps aux --sort=-%cpu | head",
         "What does the proxy's log say?" "grep -i 'timeout' /var/log/apache2/error.log | tail"];
    "unread_at_once" UpstreamUnread |case| case.at_once() => "upstream_crashes" Likely
        "{speaker} reaches your program, and it breaks off without a proper answer{passing}. Likely it crashes on this page."
        "{speaker}: the upstream took the connection and ended it at once."
        ["What does the program's log say at that second?" "journalctl --since -10min -p warning",
         "Was it killed for memory?" "journalctl -k --since -1h | grep -i 'killed process'"];
    "unread" UpstreamUnread always => "upstream_fails" Possible
        "{speaker} reaches your program, and it gives no proper answer{passing}."
        "{speaker} could not read an answer of its upstream."
        ["What does the program's log say at that second?" "journalctl --since -10min -p warning",
         "What does the proxy's log say?" "tail -n 20 /var/log/apache2/error.log"];
    // These say the same where the connection to what stands behind them does not come about.
    "upstream_slow_or_far" UpstreamSlow |case| case.is_said_by("nginx") || case.is_said_by("AWS load balancer") || case.speaker_is_unknown() => "upstream_slow" Likely
        "{speaker} gave up waiting for the program behind it{passing}. Likely that is too slow or stuck, or a firewall keeps the two apart."
        "{speaker} answers {status}: its upstream timed out, while connecting or while answering."
        ["What does the proxy's log say: 'while connecting' or 'while reading'?" "grep 'timed out' /var/log/nginx/error.log | tail",
         "What is the program busy with?" "uptime; ps aux --sort=-%cpu | head",
         "On the server:" "curl -svo /dev/null -H {hostheader} {local}"];
    "upstream_slow" UpstreamSlow always => "upstream_slow" Likely
        "Your server is alive but too slow: {speaker} gave up waiting for it."
        "{speaker} answers {status}: the upstream did not answer in its time."
        ["What is the server busy with?" "uptime; ps aux --sort=-%cpu | head",
         "Is the database slow or locked?" "",
         "On the server:" "curl -svo /dev/null -H {hostheader} {local}"];
    "no_backend" NoBackend always => "no_healthy_backend" Likely
        "Your load balancer has no healthy server left to send visitors to."
        "{speaker} answers {status}: no healthy upstream."
        ["Which servers fail their health check, and since when? See the balancer's status page." "",
         "Was there a deploy?" ""];
    "overloaded" Overloaded always => "overloaded" Possible
        "Your server answers {status}{passing}: it has more requests than it can take, or is switched off on purpose."
        "{status} by {speaker}: no worker free, a limit, or maintenance."
        ["Are all workers taken?" "grep -h max_children /var/log/php*fpm*.log | tail -3",
         "Is it busy?" "uptime; free -m"];
    "maintenance" Maintenance always => "maintenance" Likely
        "Your site says that it is under maintenance."
        "{status} with a maintenance page."
        ["Is this planned? Pause the monitor, or plan a maintenance window." "",
         "If not: is a maintenance file left over from an update?" "ls -la .maintenance storage/framework/down"];
    "app_failed" AppFailed always => "application_error" Likely
        "Your site's program fails with an error of its own ({status}){passing}."
        "{status}: an unhandled error in the application."
        ["What does the program's error log say at that second?" "journalctl --since -10min -p err",
         "Was there a deploy or an update?" ""];
    "database" Database always => "database_down" Likely
        "Your site cannot use its database."
        "{status}: the page reports a failed database connection."
        ["Is the database running?" "systemctl status mysql mariadb postgresql",
         "Is its disk full, or its limit of connections reached?" "df -h"];
    "platform_app" PlatformApp always => "app_failed_on_platform" Likely
        "{speaker} is fine, but your program on it fails or does not start."
        "{speaker} answers {status} for the application."
        ["What do the logs of your program at {speaker} say?" "",
         "Was there a deploy?" ""];
    "not_deployed" NotDeployed always => "not_deployed" Likely
        "{speaker} has nothing to show under {host}."
        "{speaker} answers {status}: no deployment for this name."
        ["Is the project still there, and the domain still assigned to it?" ""];
    "origin_dns" OriginDns always => "origin_name_gone" Likely
        "{speaker} cannot find your server: the name it was given for it does not resolve."
        "{speaker} reports a DNS failure for the origin's name."
        ["Is the origin's name in the settings of {speaker} right, and does it resolve?" ""];
    "origin_tls" OriginTls always => "origin_certificate" Likely
        "{speaker} and your server cannot agree on encryption. Likely the certificate on your own server has expired or is wrong."
        "{speaker} reports a TLS failure towards the origin ({status})."
        ["Look at the certificate of the origin itself." "openssl s_client -connect ORIGIN:443 -servername {host} </dev/null | openssl x509 -noout -dates -ext subjectAltName"];
    "origin_odd" OriginOdd always => "origin_answer_odd" Likely
        "{speaker} got an empty or broken answer from your server. Likely its program crashes."
        "{speaker} answers {status}: empty, oversized or broken answer of the origin."
        ["What do the origin's logs say at that second?" "journalctl --since -10min -p warning"];
    "edge_fault" EdgeFault always => "edge_fails" Likely
        "The fault is likely at {speaker}, not at your server."
        "An unbranded {status} by {speaker}: likely its own failure."
        ["Does {speaker} report an outage on its status page?" "",
         "Is your server fine when asked directly?" "curl -svo /dev/null -H {hostheader} http://ORIGIN/"];
    "proxy_config" ProxyConfig always => "proxy_config" Likely
        "{speaker} is set up wrongly for {host}."
        "{speaker} reports a configuration error ({status})."
        ["Was its configuration changed? Is the name known there?" ""];
    "apache_fault" ProxyFault |case| case.is_said_by("Apache") => "proxy_fails" Likely
        "The web server itself fails ({status}){passing}. Likely a broken .htaccess or configuration, or a script that it cannot run."
        "{status} with Apache's own page: misconfiguration, or a CGI script that ends early."
        ["What does its log say?" "tail -n 20 /var/log/apache2/error.log",
         "Was .htaccess changed?" "find /var/www -name .htaccess -mtime -1",
         "Is the configuration valid?" "apachectl configtest"];
    "proxy_fault" ProxyFault always => "proxy_fails" Likely
        "The web server itself fails ({status}){passing}, often by its configuration or a full disk."
        "{status} by {speaker} itself."
        ["Is the configuration valid?" "nginx -t",
         "What does its log say?" "tail -n 20 /var/log/nginx/error.log; df -h"];
    "forbidden" Forbidden always => "refused" Likely
        "The web server refuses to show this page ({status}). Likely an access rule, file permissions, or a missing index page."
        "{status} with the own page of {speaker}: no program behind it was asked."
        ["What does its log say?" "tail -n 20 /var/log/nginx/error.log /var/log/apache2/error.log",
         "May the web server read every folder on the way, and is there an index page?" "namei -l /var/www/html/index.html",
         "Is it a rule that refuses our addresses? Then allow them." ""];
    "tls_wanted" TlsWanted always => "tls_on_plain_port" Likely
        "Port {port} of {host} speaks https, and plain http was asked of it."
        "{status}: the server says that the port speaks TLS."
        ["Should the address begin with https?" "curl -v https://{hostport}/ -o /dev/null",
         "Was the web server's port changed? Which ports have 'ssl'?" "nginx -T | grep -n listen"];
    "refused" Refused always => "refused" Possible
        "The server answers {status}: it does not want us to see this page."
        "{status} by {speaker}: a rule refuses the request."
        ["Does the page open in a browser? Then a firewall refuses our looks: allow our addresses." "",
         "Were access rules or file permissions changed?" ""];
    "rate_limited" RateLimited always => "rate_limited" Likely
        "The server says that we come too often ({status})."
        "{status}: a rate limit refuses us."
        ["Look less often, or except our addresses from the limit." ""];
    "login_needed" LoginNeeded always => "login_needed" Likely
        "The page wants a login ({status})."
        "{status}: authentication is missing or no longer valid."
        ["Was the password or token of this monitor changed?" "",
         "If {status} is the right answer here, add it to the expected statuses." ""];
    "not_found" NotFound always => "page_gone" Likely
        "There is no page at this address ({status})."
        "{status} for {url}."
        ["Was the page moved or renamed?" "curl -sI {url}"];
    "passed" Passed always => "error_status" Possible
        "The server answers {status}{passing}."
        "{status} over {url}; nothing in the answer says more."
        ["What does it answer elsewhere?" "curl -svL {url} -o /dev/null"];
}
