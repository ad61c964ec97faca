//! Usual causes and next steps of each family of failures.

use super::classes::Family;

/// What to think of and what to do: a sentence and, where there is one, a command.
#[derive(Debug)]
pub(super) struct Advice {
    pub(super) causes: &'static [&'static str],
    pub(super) steps: &'static [(&'static str, &'static str)],
}

/// The advice for a family.
pub(super) fn of(family: Family) -> &'static Advice {
    match family {
        Family::Name => &NAME,
        Family::Resolver => &RESOLVER,
        Family::Connection => &CONNECTION,
        Family::Certificate => &CERTIFICATE,
        Family::Handshake => &HANDSHAKE,
        Family::Answer => &ANSWER,
        Family::Status => &STATUS,
        Family::Body => &BODY,
        Family::Redirect => &REDIRECT,
        Family::Content => &CONTENT,
        Family::Blocked => &BLOCKED,
        Family::Refused => &REFUSED,
        Family::Heartbeat => &HEARTBEAT,
        Family::Domain => &DOMAIN,
    }
}

static NAME: Advice = Advice {
    causes: &[
        "A record was removed or mistyped",
        "The domain's registration is over",
        "The name servers were changed and the new ones do not have the record",
    ],
    steps: &[
        ("Ask the DNS yourself.", "dig +trace shop.example"),
        (
            "See whether the registration is valid.",
            "whois shop.example",
        ),
        ("Look at the record in your DNS provider's panel.", ""),
    ],
};
static RESOLVER: Advice = Advice {
    causes: &[
        "The name servers of the domain are down or overloaded",
        "DNSSEC: a signature has run out or a key was changed on one side only",
        "The domain points at name servers that do not serve it",
    ],
    steps: &[
        (
            "Ask each name server.",
            "dig +norecurse shop.example @ns1.provider.example",
        ),
        (
            "Rule DNSSEC out: if this answers and the plain question does not, it is DNSSEC.",
            "dig +cd shop.example",
        ),
        ("Look at your DNS provider's status page.", ""),
    ],
};
static CONNECTION: Advice = Advice {
    causes: &[
        "The web server or the machine is stopped",
        "A firewall drops or refuses",
        "The machine has another address than DNS says",
    ],
    steps: &[
        ("On the machine: does anything listen?", "ss -ltnp"),
        ("Is the service running?", "systemctl status nginx"),
        (
            "From elsewhere: does the path end?",
            "mtr -rwc 10 shop.example",
        ),
    ],
};
static CERTIFICATE: Advice = Advice {
    causes: &[
        "Automatic renewal did not run, or the server was not reloaded after it",
        "A certificate for another name, or without its intermediate, was installed",
        "The name leads to another machine than you think",
    ],
    steps: &[
        (
            "See what is served.",
            "openssl s_client -connect shop.example:443 -servername shop.example </dev/null | openssl x509 -noout -subject -issuer -dates",
        ),
        (
            "If certbot renews it, renew and reload.",
            "certbot renew && systemctl reload nginx",
        ),
        ("Install the whole chain: fullchain.pem, not cert.pem.", ""),
    ],
};
static HANDSHAKE: Advice = Advice {
    causes: &[
        "The server speaks only old TLS, or only on another port",
        "A proxy in front passes the connection to the wrong place",
        "The server hangs before it answers",
    ],
    steps: &[
        (
            "Try it by hand.",
            "openssl s_client -connect shop.example:443 -servername shop.example",
        ),
        ("Allow TLS 1.2 and 1.3 in the server's settings.", ""),
        (
            "If plain HTTP is served there, change the monitor's address to http:// or the port.",
            "",
        ),
    ],
};
static ANSWER: Advice = Advice {
    causes: &[
        "The program behind the web server hangs or has crashed",
        "A database or another service that it waits for is slow",
        "All its workers are busy",
    ],
    steps: &[
        (
            "See where the time goes.",
            "curl -svo /dev/null https://shop.example/",
        ),
        (
            "Read the logs of the program and of the web server at that minute.",
            "journalctl -u nginx --since '10 min ago'",
        ),
        (
            "Look at load, memory and the database's running queries.",
            "uptime; free -m",
        ),
    ],
};
static STATUS: Advice = Advice {
    causes: &[
        "502 or 503 from your server: the program behind it is not running or refuses",
        "504: that program does not answer in time",
        "500: it fails; its log says why",
        "404 or 403: the address moved, or access rules changed",
    ],
    steps: &[
        (
            "On the server, past any CDN: does it fail too?",
            "curl -svo /dev/null -H 'Host: shop.example' http://127.0.0.1/",
        ),
        (
            "Is the program behind it running?",
            "systemctl status php-fpm",
        ),
        (
            "A branded 502 or 504 of a CDN means that your own server answered so; an unbranded one is the CDN's own.",
            "",
        ),
    ],
};
static BODY: Advice = Advice {
    causes: &[
        "The program died or was restarted in the middle of the page",
        "A proxy's buffer or disk is full",
        "Compression is applied twice, or its header is wrong",
    ],
    steps: &[
        (
            "Load it a few times and compare lengths.",
            "curl -so /dev/null -w '%{http_code} %{size_download} %{time_total}\\n' https://shop.example/",
        ),
        ("Is a disk full?", "df -h"),
        (
            "Without compression: does it arrive whole?",
            "curl -sH 'Accept-Encoding: identity' -o /dev/null https://shop.example/",
        ),
    ],
};
static REDIRECT: Advice = Advice {
    causes: &[
        "http leads to https and a proxy leads it back",
        "www and bare name point at each other",
        "A login page that leads to itself without a cookie",
    ],
    steps: &[
        (
            "Follow it by hand.",
            "curl -sIL --max-redirs 12 https://shop.example/ | grep -iE '^(HTTP|location)'",
        ),
        (
            "Watch the last address of the chain directly, if the chain is as it should be.",
            "",
        ),
    ],
};
static CONTENT: Advice = Advice {
    causes: &[
        "The page shows an error with status 200",
        "The text was changed in a new version",
        "A part of the page, such as a product list, is empty",
    ],
    steps: &[
        (
            "Open the page and look for the text.",
            "curl -s https://shop.example/ | grep -c 'the text'",
        ),
        ("The first 64 KiB of what we got are on the incident.", ""),
        ("If the page is right, change the rule of the monitor.", ""),
    ],
};
static BLOCKED: Advice = Advice {
    causes: &[
        "A firewall rule or a bot challenge of your CDN",
        "A limit on requests per address",
    ],
    steps: &[
        (
            "Allow our addresses, listed on the page about our looks, or the user agent Watchbell/1.",
            "",
        ),
        (
            "Or watch an address that the protection leaves out, such as /health.",
            "",
        ),
    ],
};
static REFUSED: Advice = Advice {
    causes: &[
        "The address is private (10.0.0.0/8, 192.168.0.0/16, …), local or reserved",
        "A public name points at such an address",
    ],
    steps: &[
        ("Watch the public address instead.", ""),
        (
            "To watch your own network, run Watchbell inside it with WATCHBELL_EGRESS=self-hosted.",
            "",
        ),
    ],
};
static HEARTBEAT: Advice = Advice {
    causes: &[
        "The job did not start: cron, timer or queue is stopped",
        "It takes longer than it used to",
        "It failed before its last line",
    ],
    steps: &[
        (
            "Did it run?",
            "systemctl list-timers; grep CRON /var/log/syslog | tail",
        ),
        ("Run it by hand and look at its end.", ""),
        ("Give it more grace if it is merely slow.", ""),
    ],
};
static DOMAIN: Advice = Advice {
    causes: &[
        "Renewal was not paid or its reminder went to an old address",
        "The registrar's automatic renewal is off",
    ],
    steps: &[
        ("See what the registry says.", "whois shop.example"),
        (
            "Renew it at your registrar today: after a grace period it is free for anyone.",
            "",
        ),
    ],
};
