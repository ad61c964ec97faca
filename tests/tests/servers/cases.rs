//! What breaks, what is true of it, and which causes are right to name.
//!
//! `{back}` is the port of the program behind, `{dir}` the folder of the house, `{root}` a folder of the
//! case's own with an `index.html` in it.

/// Who answers.
#[derive(Clone, Copy)]
pub enum Front {
    /// A `server` of nginx; what is in it while it is well.
    Nginx(&'static str),
    /// A virtual host of Apache.
    Apache(&'static str),
    /// A `frontend` of HAProxy and its `backend`.
    Haproxy(&'static str),
    /// A Varnish of its own.
    Varnish,
    /// The program itself.
    Node,
    /// An nginx of its own.
    Alone,
    /// A lighttpd of its own.
    Lighttpd,
    /// A Caddy of its own; what its `reverse_proxy` says more.
    Caddy(&'static str),
}

/// What happens to it.
#[derive(Clone, Copy)]
pub enum Then {
    /// The program behind does this from now on.
    Back(&'static str),
    /// Its part of the configuration is this from now on.
    Config(&'static str),
    /// A file of its folder.
    Write(&'static str, &'static str),
    /// A file of its folder goes.
    Remove(&'static str),
    /// The processes of this name are killed.
    Kill,
    /// They stop where they are.
    Freeze,
    /// PHP-FPM ends.
    PhpEnds,
    /// Every child of PHP-FPM is taken by a page that sleeps.
    PhpBusy,
}

/// One thing that breaks.
pub struct Case {
    pub name: &'static str,
    pub front: Front,
    pub then: Then,
    /// Path and query that are watched.
    pub path: &'static str,
    pub tls: bool,
    /// Causes that are true.
    pub right: &'static [&'static str],
    /// Where the fault truly lies.
    pub lies: &'static [&'static str],
}

const fn case(
    name: &'static str,
    front: Front,
    then: Then,
    right: &'static [&'static str],
    lies: &'static [&'static str],
) -> Case {
    Case {
        name,
        front,
        then,
        path: "/",
        tls: false,
        right,
        lies,
    }
}

const fn encrypted(
    name: &'static str,
    front: Front,
    then: Then,
    right: &'static [&'static str],
) -> Case {
    Case {
        name,
        front,
        then,
        path: "/",
        tls: true,
        right,
        lies: &["tls", "origin"],
    }
}

const PROXY: &str = "location / { proxy_pass http://127.0.0.1:{back}; }";
const IMPATIENT: &str = "location / { proxy_pass http://127.0.0.1:{back}; proxy_read_timeout 2s; }";
const STATIC: &str = "root {root}; index index.html;";
const PHP: &str = "root {root}; index index.php; location ~ \\.php$ { include /etc/nginx/fastcgi_params; \
                   fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:{dir}/php.sock; }";
const PHP_BUSY: &str = "root {root}; index index.php; location ~ \\.php$ { include /etc/nginx/fastcgi_params; fastcgi_read_timeout 2s; \
                        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:{dir}/busy.sock; }";
const PHP_OWN: &str = "root {root}; index index.php; location ~ \\.php$ { include /etc/nginx/fastcgi_params; \
                       fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name; fastcgi_pass unix:{dir}/own.sock; }";
const TWO_DEAD: &str = "location / { proxy_pass http://two; }";
const ENCRYPTED: &str = "ssl_certificate {dir}/good.pem; ssl_certificate_key {dir}/key.pem; root {root}; index index.html;";
const A_PROXY: &str = "ProxyPass / http://127.0.0.1:{back}/";
const A_IMPATIENT: &str = "ProxyPass / http://127.0.0.1:{back}/ timeout=2";
const A_STATIC: &str =
    "DocumentRoot {root}\n<Directory {root}>\nAllowOverride All\nRequire all granted\n</Directory>";
const A_PHP: &str = "DocumentRoot {root}\nDirectoryIndex index.php\n<Directory {root}>\nRequire all granted\n</Directory>\n\
                     <FilesMatch \\.php$>\nSetHandler proxy:unix:{dir}/php.sock|fcgi://localhost\n</FilesMatch>";
const H_PROXY: &str = "server one 127.0.0.1:{back}";
const H_CHECKED: &str = "server one 127.0.0.1:{back} check inter 500 fall 1";
const H_IMPATIENT: &str = "timeout server 2s\nserver one 127.0.0.1:{back}";

const GONE: &[&str] = &["upstream_dead", "no_healthy_backend"];
/// From outside, what does not run and what breaks off at once look the same through most proxies; the
/// sentence of `upstream_dead` says both.
const CRASHES: &[&str] = &["upstream_crashes", "upstream_fails", "upstream_dead"];
const SLOW: &[&str] = &["upstream_slow", "page_slow", "no_answer", "server_stuck"];
const PROXIES: &[&str] = &["origin_proxy"];
const ORIGIN: &[&str] = &["origin", "origin_proxy"];

const FATAL: &str = "<?php undefined_function();";
const DATABASE: &str = "status|500|<html><title>Database Error</title><body><h1>Error establishing a database connection</h1></body></html>";
const SAYS_500: &str = "status|500|<html><body><h1>Something went wrong</h1></body></html>";
const SAYS_503: &str = "status|503|<html><body><h1>We are under maintenance</h1></body></html>";
const ONLY_PAGE: &str =
    "status-but-robots|500|<html><body><h1>Something went wrong</h1></body></html>";

use Front::{Alone, Apache, Caddy, Haproxy, Lighttpd, Nginx, Node, Varnish};
use Then::{Back, Config, Freeze, Kill, PhpBusy, PhpEnds, Remove, Write};

/// All of them.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    // nginx and a program behind it.
    case("nginx, program stopped", Nginx(PROXY), Back("refuse"), GONE, PROXIES),
    case("nginx, program resets", Nginx(PROXY), Back("reset"), CRASHES, PROXIES),
    case("nginx, program closes without answer", Nginx(PROXY), Back("close"), CRASHES, PROXIES),
    // nginx takes it for an answer of HTTP/0.9 and passes it on.
    case("nginx, program answers no HTTP", Nginx(PROXY), Back("garbage"), &["not_http"], ORIGIN),
    case("nginx, headers too large for its buffer", Nginx(PROXY), Back("large-header"), CRASHES, PROXIES),
    case("nginx, program hangs, 2 s of patience", Nginx(IMPATIENT), Back("hang"), SLOW, PROXIES),
    case("nginx, program hangs, 60 s of patience", Nginx(PROXY), Back("hang"), SLOW, ORIGIN),
    case("nginx, program breaks off inside the page", Nginx(PROXY), Back("half"), &["page_cut", "page_broken_off"], ORIGIN),
    case("nginx, program says 500", Nginx(PROXY), Back(SAYS_500), &["application_error"], &["origin"]),
    case("nginx, one page says 500", Nginx(PROXY), Back(ONLY_PAGE), &["application_error"], &["origin"]),
    case("nginx, program has no database", Nginx(PROXY), Back(DATABASE), &["database_down"], &["origin"]),
    case("nginx, program in maintenance", Nginx(PROXY), Back(SAYS_503), &["maintenance"], &["origin"]),
    case("nginx, both servers of a group stopped", Nginx(TWO_DEAD), Config("location / { proxy_pass http://two_dead; }"), GONE, PROXIES),
    case("nginx, program stopped, a page of its own for that", Nginx("error_page 502 /sorry.html; location = /sorry.html { internal; root {root}; } location / { proxy_pass http://127.0.0.1:{back}; }"), Back("refuse"), GONE, PROXIES),
    case("nginx, wrong port since a change", Nginx(PROXY), Config("location / { proxy_pass http://127.0.0.1:1; }"), GONE, PROXIES),
    case("nginx, a firewall before the program", Nginx(PROXY), Config("location / { proxy_connect_timeout 2s; proxy_pass http://127.0.0.1:{deaf}; }"), SLOW, ORIGIN),
    case("nginx, a limit of requests", Nginx(STATIC), Config("limit_req zone=one; root {root}; index index.html;"), &["overloaded"], ORIGIN),
    // nginx itself.
    case("nginx, index removed", Nginx(STATIC), Remove("index.html"), &["refused"], &["origin"]),
    case("nginx, page removed", Nginx("root {root}; location / { try_files $uri/index.html =404; }"), Remove("index.html"), &["page_gone"], &["origin"]),
    case("nginx, redirects inside without end", Nginx(STATIC), Config("root {root}; location / { rewrite ^ /a$uri last; }"), &["proxy_fails", "proxy_config"], &["origin", "origin_proxy"]),
    case("nginx, closes without a word", Nginx(STATIC), Config("return 444;"), &["closes_silently"], &["origin"]),
    case("nginx, switched off with 503", Nginx(STATIC), Config("return 503;"), &["overloaded", "maintenance"], &["origin", "origin_proxy"]),
    case("nginx, denies us", Nginx(STATIC), Config("deny all;"), &["refused"], &["origin"]),
    case("nginx, asks for a password", Nginx(STATIC), Config("root {root}; auth_basic shop; auth_basic_user_file {dir}/nobody;"), &["login_needed"], &["origin"]),
    case("nginx, redirects in a circle", Nginx(STATIC), Config("return 301 http://$host:$server_port$request_uri;"), &["redirect_circle"], &["origin"]),
    case("nginx, takes only TLS on the port", Nginx(STATIC), Config("ssl"), &["tls_on_plain_port"], &["origin"]),
    case("nginx killed", Alone, Kill, &["nothing_listens"], &["origin"]),
    case("nginx frozen", Alone, Freeze, &["server_stuck", "no_answer"], &["origin"]),
    // nginx and PHP.
    case("nginx, PHP-FPM ended", Nginx(PHP), PhpEnds, GONE, PROXIES),
    case("nginx, PHP page with a fatal error", Nginx(PHP_OWN), Write("index.php", FATAL), &["application_error"], &["origin"]),
    case("nginx, PHP child killed inside the page", Nginx(PHP_OWN), Write("index.php", "<?php posix_kill(posix_getpid(), 11); sleep(1);"), CRASHES, PROXIES),
    case("nginx, all children of PHP busy", Nginx(PHP_BUSY), PhpBusy, SLOW, ORIGIN),
    // nginx and certificates.
    encrypted("nginx, certificate expired", Nginx(ENCRYPTED), Config("ssl_certificate {dir}/expired.pem; ssl_certificate_key {dir}/key.pem; root {root};"), &["certificate_expired"]),
    encrypted("nginx, certificate for another name", Nginx(ENCRYPTED), Config("ssl_certificate {dir}/other.pem; ssl_certificate_key {dir}/key.pem; root {root};"), &["certificate_other_name"]),
    encrypted("nginx, certificate of its own", Nginx(ENCRYPTED), Config("ssl_certificate {dir}/own.pem; ssl_certificate_key {dir}/key.pem; root {root};"), &["certificate_self_signed"]),
    encrypted("nginx, refuses the handshake", Nginx(ENCRYPTED), Config("ssl_reject_handshake on;"), &["name_not_served"]),
    encrypted("nginx, no TLS on the port any more", Nginx(ENCRYPTED), Config("plain"), &["not_tls"]),
    // Apache.
    case("Apache, program stopped", Apache(A_PROXY), Back("refuse"), GONE, PROXIES),
    case("Apache, program resets", Apache(A_PROXY), Back("reset"), CRASHES, PROXIES),
    case("Apache, program hangs, 2 s of patience", Apache(A_IMPATIENT), Back("hang"), SLOW, PROXIES),
    case("Apache, PHP-FPM ended", Apache(A_PHP), PhpEnds, GONE, PROXIES),
    case("Apache, broken .htaccess", Apache(A_STATIC), Write(".htaccess", "Nonsense On\n"), &["proxy_fails"], &["origin"]),
    case("Apache, denied by .htaccess", Apache(A_STATIC), Write(".htaccess", "Require all denied\n"), &["refused"], &["origin"]),
    // HAProxy.
    case("HAProxy, no check, server stopped", Haproxy(H_PROXY), Back("refuse"), GONE, PROXIES),
    case("HAProxy, check fails", Haproxy(H_CHECKED), Back("refuse"), GONE, PROXIES),
    case("HAProxy, server resets", Haproxy(H_PROXY), Back("reset"), CRASHES, PROXIES),
    case("HAProxy, server answers no HTTP", Haproxy(H_PROXY), Back("garbage"), CRASHES, PROXIES),
    case("HAProxy, server hangs", Haproxy(H_IMPATIENT), Back("hang"), SLOW, PROXIES),
    // Two in a row: what stands last is at fault.
    case("HAProxy before nginx, program stopped", Haproxy("server one 127.0.0.1:{nginx_dead}"), Back("fine"), GONE, PROXIES),
    // Others.
    case("lighttpd, program stopped", Lighttpd, Back("refuse"), &["upstream_dead", "no_healthy_backend", "overloaded"], ORIGIN),
    case("lighttpd, program hangs", Lighttpd, Back("hang"), SLOW, ORIGIN),
    case("Caddy, program stopped", Caddy(""), Back("refuse"), GONE, PROXIES),
    case("Caddy, program resets", Caddy(""), Back("reset"), CRASHES, PROXIES),
    case("Caddy, program hangs", Caddy("transport http {\nresponse_header_timeout 2s\n}"), Back("hang"), SLOW, ORIGIN),
    // Varnish.
    case("Varnish, backend stopped", Varnish, Back("refuse"), &["upstream_dead", "upstream_fails", "no_healthy_backend"], PROXIES),
    case("Varnish, backend hangs", Varnish, Back("hang"), &["upstream_slow", "upstream_fails", "no_answer", "server_stuck"], ORIGIN),
    // A program by itself.
    case("Node, an error that nobody catches", Node, Back("throw"), &["nothing_listens", "closes_silently", "connection_resets"], &["origin"]),
    case("Node hangs", Node, Back("hang"), &["no_answer", "server_stuck"], &["origin"]),
    case("Node resets", Node, Back("reset"), &["closes_silently", "connection_reset", "resets"], &["origin", "network"]),
];
