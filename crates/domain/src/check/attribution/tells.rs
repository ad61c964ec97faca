//! Who wrote an error page, and what it means: one readable table.
//!
//! The order matters: what names its author exactly comes first, what only hints comes last.

use super::{Attribution, Page, Reading};
use crate::incident::diagnosis::Confidence;

use Attribution::{Edge, Origin, OriginProxy};
use Confidence::{Certain, Likely, Possible};

/// What an error answer means. The diagnosis has a text for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// A proxy got no valid answer from what stands behind it.
    GatewayFailed,
    /// A proxy's connection to what stands behind it was refused.
    UpstreamRefused,
    /// A proxy cannot reach what stands behind it.
    UpstreamUnreachable,
    /// What stands behind the proxy ended the connection while answering.
    UpstreamCrashed,
    /// A proxy reached what stands behind it and could not read an answer.
    UpstreamUnread,
    /// What stands behind the proxy took too long.
    UpstreamSlow,
    /// A load balancer has nothing healthy to send to.
    NoBackend,
    /// Too many requests for what there is.
    Overloaded,
    /// Down on purpose, or says so.
    Maintenance,
    /// The application itself failed.
    AppFailed,
    /// The application cannot use its database.
    Database,
    /// A function or container of a platform failed.
    PlatformApp,
    /// Nothing is deployed under this name.
    NotDeployed,
    /// The edge cannot resolve the origin's name.
    OriginDns,
    /// The edge and the origin do not agree on TLS.
    OriginTls,
    /// The edge does not understand the origin's answer.
    OriginOdd,
    /// The edge itself failed.
    EdgeFault,
    /// A proxy is set up wrongly.
    ProxyConfig,
    /// A proxy failed by itself.
    ProxyFault,
    /// A refusal on purpose.
    Refused,
    /// The web server itself refuses: a rule, permissions, or no page to show.
    Forbidden,
    /// Plain http was asked of a port that speaks TLS.
    TlsWanted,
    /// Too many requests from us.
    RateLimited,
    /// The address needs a login.
    LoginNeeded,
    /// Nothing is at this address.
    NotFound,
    /// The server answered with an error; nothing says more.
    Passed,
}

/// One line of the table.
pub struct Tell {
    /// Its name; also the name of the diagnosis rule.
    pub id: &'static str,
    /// Who wrote the answer.
    pub speaker: &'static str,
    /// Statuses, inclusive.
    pub status: (u16, u16),
    /// All of these must be there (name, lower-case part of the value).
    pub headers: &'static [(&'static str, &'static str)],
    /// One of these must be in the body, in lower case; `=` means the whole body. Empty: any body.
    pub body: &'static [&'static str],
    /// Where the fault lies.
    pub attribution: Attribution,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it means.
    pub meaning: Meaning,
}

impl Tell {
    pub(super) fn fits(&self, page: &Page<'_>) -> bool {
        (self.status.0..=self.status.1).contains(&page.status())
            && self
                .headers
                .iter()
                .all(|(name, part)| page.header_has(name, part))
            && (self.body.is_empty() || self.body.iter().any(|part| page.body_has(part)))
    }

    pub(super) fn reading(&self) -> Reading {
        Reading {
            attribution: self.attribution,
            confidence: self.confidence,
            speaker: (!self.speaker.is_empty()).then(|| self.speaker.to_owned()),
            meaning: self.meaning,
            tell: self.id,
        }
    }
}

/// What a status alone tells.
pub(super) fn unmarked(status: u16) -> Reading {
    let (confidence, meaning, tell) = match status {
        401 | 407 => (Likely, Meaning::LoginNeeded, "status_401"),
        403 | 451 => (Possible, Meaning::Refused, "status_403"),
        404 | 410 => (Likely, Meaning::NotFound, "status_404"),
        429 => (Possible, Meaning::RateLimited, "status_429"),
        500 => (Likely, Meaning::AppFailed, "status_500"),
        502 => (Possible, Meaning::GatewayFailed, "status_502"),
        503 => (Possible, Meaning::Overloaded, "status_503"),
        504 => (Possible, Meaning::UpstreamSlow, "status_504"),
        _ => (Possible, Meaning::Passed, "status_other"),
    };
    Reading {
        attribution: Origin,
        confidence,
        speaker: None,
        meaning,
        tell,
    }
}

macro_rules! tells {
    ($($id:literal $speaker:literal $low:literal..$high:literal $headers:tt $body:tt
       => $attribution:ident $confidence:ident $meaning:ident;)*) => {
        /// The table, most telling first.
        pub const TELLS: &[Tell] = &[$(Tell {
            id: $id,
            speaker: $speaker,
            status: ($low, $high),
            headers: &$headers,
            body: &$body,
            attribution: $attribution,
            confidence: $confidence,
            meaning: Meaning::$meaning,
        },)*];
    };
}

tells! {
    // Cloudflare's 52x speak of the origin as Cloudflare sees it.
    "cloudflare_1016" "Cloudflare" 530..530 [("cf-ray", "")] ["1016"] => Origin Certain OriginDns;
    "cloudflare_530" "Cloudflare" 530..530 [("cf-ray", "")] [] => Origin Likely UpstreamUnreachable;
    "cloudflare_520" "Cloudflare" 520..520 [("cf-ray", "")] [] => Origin Certain OriginOdd;
    "cloudflare_521" "Cloudflare" 521..521 [("cf-ray", "")] [] => Origin Certain UpstreamRefused;
    "cloudflare_522" "Cloudflare" 522..522 [("cf-ray", "")] [] => Origin Certain UpstreamUnreachable;
    "cloudflare_523" "Cloudflare" 523..523 [("cf-ray", "")] [] => Origin Certain UpstreamUnreachable;
    "cloudflare_524" "Cloudflare" 524..524 [("cf-ray", "")] [] => Origin Certain UpstreamSlow;
    "cloudflare_525" "Cloudflare" 525..526 [("cf-ray", "")] [] => Origin Certain OriginTls;
    "cloudflare_worker" "Cloudflare" 500..503 [("cf-ray", "")]
        ["worker threw exception", "error 1101", "error 1102", "worker exceeded resource limits",
         "=error code: 1101", "=error code: 1102"] => Origin Certain PlatformApp;
    // The branded page means that the origin answered 502 or 504; the blank one is Cloudflare's own.
    "cloudflare_branded_504" "Cloudflare" 504..504 [("cf-ray", "")]
        ["cf-error-details", "cf-wrapper", "cloudflare ray id", "=error code: 504"] => Origin Certain UpstreamSlow;
    "cloudflare_branded" "Cloudflare" 502..502 [("cf-ray", "")]
        ["cf-error-details", "cf-wrapper", "cloudflare ray id", "=error code: 502"] => Origin Certain GatewayFailed;
    "cloudflare_own" "Cloudflare" 500..503 [("cf-ray", "")]
        ["cf-error-details", "cf-wrapper", "cloudflare ray id"] => Edge Possible EdgeFault;
    "cloudflare_blank" "Cloudflare" 500..504 [("server", "cloudflare")]
        ["<center>cloudflare</center>", "<center>cloudflare-nginx</center>"] => Edge Likely EdgeFault;

    // Platforms that name the cause.
    "vercel_not_found" "Vercel" 404..404 [("x-vercel-error", "not_found")] [] => Origin Certain NotDeployed;
    "vercel_external" "Vercel" 500..504 [("x-vercel-error", "router_external_target")] [] => Origin Certain GatewayFailed;
    "vercel_timeout" "Vercel" 504..504 [("x-vercel-error", "timeout")] [] => Origin Certain UpstreamSlow;
    "vercel_internal" "Vercel" 500..599 [("x-vercel-error", "internal_")] [] => Edge Likely EdgeFault;
    "vercel_function" "Vercel" 500..599 [("x-vercel-error", "")] [] => Origin Certain PlatformApp;
    "heroku_app" "Heroku" 502..504 []
        ["herokucdn.com/error-pages/", "heroku | application error"] => OriginProxy Certain PlatformApp;
    "heroku_none" "Heroku" 404..404 [] ["herokucdn.com/error-pages/no-such-app"] => OriginProxy Certain NotDeployed;
    "railway" "Railway" 502..504 [("x-railway-fallback", "true")] [] => OriginProxy Certain PlatformApp;
    "render" "Render" 500..504 [("x-render-routing", "")] [] => OriginProxy Certain PlatformApp;
    "fly" "Fly.io" 502..504 [("server", "fly/")] ["="] => OriginProxy Likely PlatformApp;
    "lambda" "API Gateway" 500..504 [("x-amzn-errortype", "")] [] => OriginProxy Likely PlatformApp;
    "api_gateway" "API Gateway" 500..504 [("apigw-requestid", "")]
        ["{\"message\":\"internal server error\"}", "{\"message\": \"internal server error\"}",
         "{\"message\":\"service unavailable\"}", "endpoint request timed out"] => OriginProxy Likely PlatformApp;
    "netlify_function" "Netlify" 500..504 [("server", "netlify")] ["function", "error id"] => Origin Likely PlatformApp;

    // Load balancers and edges that sign.
    "awselb_504" "AWS load balancer" 504..504 [("server", "awselb/")] [] => OriginProxy Certain UpstreamSlow;
    "awselb_503" "AWS load balancer" 503..503 [("server", "awselb/")] [] => OriginProxy Certain NoBackend;
    "awselb" "AWS load balancer" 500..502 [("server", "awselb/")] [] => OriginProxy Certain GatewayFailed;
    "cloudfront_dns" "CloudFront" 502..502 [("x-cache", "error from cloudfront")]
        ["wasn't able to resolve the origin", "could not resolve"] => Origin Certain OriginDns;
    "cloudfront_tls" "CloudFront" 502..502 [("x-cache", "error from cloudfront")]
        ["ssl protocol", "wasn't able to connect to the origin"] => Origin Likely OriginTls;
    "cloudfront_504" "CloudFront" 504..504 [("x-cache", "error from cloudfront")]
        ["generated by cloudfront"] => Origin Certain UpstreamSlow;
    "cloudfront_lambda" "CloudFront" 500..503 [("x-cache", "lambda")] [] => Origin Certain PlatformApp;
    "cloudfront_own" "CloudFront" 500..504 [("x-cache", "error from cloudfront")]
        ["generated by cloudfront"] => Origin Likely GatewayFailed;
    "fastly_domain" "Fastly" 500..500 [] ["fastly error: unknown domain"] => Edge Certain ProxyConfig;
    "fastly_slow" "Fastly" 503..504 [("x-served-by", "cache-")]
        ["first byte timeout", "connection timed out", "between bytes timeout"] => Origin Certain UpstreamSlow;
    "fastly_refused" "Fastly" 503..503 [("x-served-by", "cache-")] ["connection refused"] => Origin Certain UpstreamRefused;
    "fastly" "Fastly" 500..504 [("x-served-by", "cache-")]
        ["backend fetch failed", "guru meditation", "backend is unhealthy", "no healthy backends",
         "backend.max_conn reached", "hostname doesn't match", "loop detected"] => Origin Likely GatewayFailed;
    "varnish" "Varnish" 500..504 []
        ["backend fetch failed", "guru meditation"] => OriginProxy Certain GatewayFailed;
    "akamai" "Akamai" 500..504 [("server", "akamaighost")]
        ["reference&#32;&#35;", "reference #"] => Origin Likely GatewayFailed;
    "front_door" "Azure Front Door" 500..504 [("x-azure-ref", "")]
        ["our services aren't available right now"] => Origin Possible GatewayFailed;
    "azure_gateway" "Azure Application Gateway" 502..504 []
        ["microsoft-azure-application-gateway"] => OriginProxy Certain GatewayFailed;
    "azure_stopped" "Azure App Service" 403..403 [] ["this web app is stopped"] => Origin Certain NotDeployed;
    "google_lb" "Google load balancer" 502..504 [("via", "google")]
        ["error 50", "server error", "upstream"] => OriginProxy Likely GatewayFailed;

    // Proxies and balancers that owners run.
    "envoy_none" "Envoy" 503..503 [] ["no healthy upstream"] => OriginProxy Certain NoBackend;
    "envoy_refused" "Envoy" 503..503 []
        ["upstream connect error or disconnect/reset before headers. reset reason: connection failure",
         "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure",
         "delayed connect error: 111"] => OriginProxy Certain UpstreamRefused;
    "envoy" "Envoy" 502..504 [] ["upstream connect error", "upstream request timeout"] => OriginProxy Certain GatewayFailed;
    "haproxy_503" "HAProxy" 503..503 []
        ["no server is available to handle this request"] => OriginProxy Certain NoBackend;
    "haproxy_502" "HAProxy" 502..502 []
        ["the server returned an invalid or incomplete response"] => OriginProxy Certain UpstreamCrashed;
    "haproxy_504" "HAProxy" 504..504 [] ["the server didn't respond in time"] => OriginProxy Certain UpstreamSlow;
    "traefik_none" "Traefik" 503..503 [] ["=no available server"] => OriginProxy Certain NoBackend;
    "kong" "Kong" 502..504 [("via", "kong")] [] => OriginProxy Likely GatewayFailed;
    "kong_body" "Kong" 502..504 []
        ["an invalid response was received from the upstream server",
         "the upstream server is timing out"] => OriginProxy Certain GatewayFailed;
    "squid" "Squid" 500..504 [("x-squid-error", "")] [] => OriginProxy Certain GatewayFailed;
    // Apache says 503 where it is refused, so that behind this one something took the connection.
    "apache_read" "Apache" 502..502 [] ["error reading from remote server"] => OriginProxy Certain UpstreamUnread;
    "apache_502" "Apache" 502..502 []
        ["the proxy server received an invalid"] => OriginProxy Certain GatewayFailed;
    "apache_504" "Apache" 504..504 []
        ["did not receive a timely response from the upstream server"] => OriginProxy Certain UpstreamSlow;
    "apache_503" "Apache" 503..503 [("server", "apache")]
        ["temporarily unable to service your"] => OriginProxy Likely UpstreamRefused;
    "apache_500" "Apache" 500..500 [] ["the server encountered an internal error or"] => Origin Likely ProxyFault;
    "apache_403" "Apache" 403..403 [] ["you don't have permission to access this resource"] => Origin Likely Forbidden;
    "iis_502" "IIS" 502..502 []
        ["web server received an invalid response while acting as a gateway"] => OriginProxy Certain GatewayFailed;
    "iis_pool" "IIS" 503..503 [("server", "microsoft-httpapi")] [] => Origin Certain PlatformApp;
    "litespeed_503" "LiteSpeed" 503..503 [("server", "litespeed")] [] => Origin Likely Overloaded;
    "nginx_504" "nginx" 504..504 []
        ["<center>nginx", "<center>openresty", "<center>tengine"] => OriginProxy Certain UpstreamSlow;
    "nginx_502" "nginx" 502..502 []
        ["<center>nginx", "<center>openresty", "<center>tengine"] => OriginProxy Certain GatewayFailed;
    "nginx_503" "nginx" 503..503 []
        ["<center>nginx", "<center>openresty", "<center>tengine"] => OriginProxy Possible Overloaded;
    "nginx_500" "nginx" 500..500 [] ["<center>nginx", "<center>openresty"] => Origin Likely ProxyFault;
    "nginx_403" "nginx" 403..403 []
        ["<center>nginx", "<center>openresty", "<center>tengine"] => Origin Likely Forbidden;
    "tls_wanted" "" 400..400 []
        ["plain http request was sent to https port", "speaking plain http to an ssl-enabled server port",
         "client sent an http request to an https server"] => Origin Certain TlsWanted;
    // Its own page; it says 503 when it has nobody left to pass a request to.
    "lighttpd_503" "lighttpd" 503..503 [("server", "lighttpd")]
        ["<h1>503 service "] => OriginProxy Likely UpstreamRefused;
    "lighttpd_504" "lighttpd" 504..504 [("server", "lighttpd")] [] => OriginProxy Likely UpstreamSlow;
    "caddy_504" "Caddy" 504..504 [("server", "caddy")] ["="] => OriginProxy Likely UpstreamSlow;
    "caddy" "Caddy" 502..503 [("server", "caddy")] ["="] => OriginProxy Likely GatewayFailed;

    // Applications that say what broke.
    "database" "" 500..599 []
        ["error establishing a database connection", "sqlstate[hy000] [2002]", "too many connections",
         "could not connect to the database", "sqlstate[08006]"] => Origin Certain Database;
    "wordpress" "WordPress" 500..500 []
        ["there has been a critical error on this website", "there has been a critical error on your website"]
        => Origin Certain AppFailed;
    "wordpress_maintenance" "WordPress" 503..503 []
        ["briefly unavailable for scheduled maintenance"] => Origin Certain Maintenance;
    "maintenance" "" 503..503 []
        ["under maintenance", "scheduled maintenance", "maintenance mode", "be right back"] => Origin Likely Maintenance;
    "retry_after" "" 503..503 [("retry-after", "")] [] => Origin Possible Maintenance;

    // Only the server's name and the status: the proxy is alive, the page was replaced.
    "traefik_502" "Traefik" 502..502 [] ["=bad gateway"] => OriginProxy Possible GatewayFailed;
    "traefik_504" "Traefik" 504..504 [] ["=gateway timeout"] => OriginProxy Possible UpstreamSlow;
    "server_504" "" 504..504 [("server", "nginx")] [] => OriginProxy Likely UpstreamSlow;
    "server_502" "" 502..502 [("server", "nginx")] [] => OriginProxy Likely GatewayFailed;
    "server_apache_502" "" 502..502 [("server", "apache")] [] => OriginProxy Likely GatewayFailed;
    "server_apache_504" "" 504..504 [("server", "apache")] [] => OriginProxy Likely UpstreamSlow;
    "server_envoy" "Envoy" 502..504 [("server", "envoy")] [] => OriginProxy Possible GatewayFailed;
}
