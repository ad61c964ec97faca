//! Cookies within one look (RFC 6265, as little as redirects need): no paths, no dates but deletion.

use domain::check::HttpFacts;
use domain::target::TargetUrl;

/// A look that collects more is being played with.
const MOST: usize = 50;

/// Characters of a cookie's name and value: browsers keep no longer one (RFC 6265, 6.1).
const LONGEST: usize = 4_096;

#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    host: String,
    /// Also for names under `host`.
    under: bool,
    secure: bool,
}

/// The cookies of one look.
#[derive(Debug, Clone, Default)]
pub(super) struct Cookies(Vec<Cookie>);

impl Cookies {
    /// Takes what `answer`, which came from `url`, sets.
    pub(super) fn take(&mut self, url: &TargetUrl, answer: &HttpFacts) {
        let set = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        for (_, line) in set {
            self.take_one(&url.host().to_string(), url.host().name().is_some(), line);
        }
    }

    fn take_one(&mut self, from: &str, from_is_name: bool, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (mut host, mut under, mut secure, mut gone) = (from.to_owned(), false, false, false);
        for part in parts {
            let (key, setting) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let wanted = setting.trim().trim_start_matches('.').to_ascii_lowercase();
                    if !wanted.contains('.') || !from_is_name || !is_under(from, &wanted) {
                        return;
                    }
                    (host, under) = (wanted, true);
                }
                "secure" => secure = true,
                "max-age" => gone = setting.trim().parse::<i64>().is_ok_and(|age| age <= 0),
                _ => {}
            }
        }
        self.0
            .retain(|cookie| !(cookie.name == name && cookie.host == host));
        if !gone && self.0.len() < MOST && name.len() + value.len() <= LONGEST {
            let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
            self.0.push(Cookie {
                name,
                value,
                host,
                under,
                secure,
            });
        }
    }

    /// The `Cookie` header for a request to `url`.
    pub(super) fn header(&self, url: &TargetUrl) -> Option<String> {
        let host = url.host().to_string();
        let pairs: Vec<String> = self
            .0
            .iter()
            .filter(|cookie| cookie.host == host || (cookie.under && is_under(&host, &cookie.host)))
            .filter(|cookie| !cookie.secure || url.is_https())
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn is_under(host: &str, above: &str) -> bool {
    host == above
        || host
            .strip_suffix(above)
            .is_some_and(|front| front.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use domain::target::AddressPolicy;
    use rstest::rstest;

    use super::*;

    fn url(text: &str) -> TargetUrl {
        TargetUrl::parse(text, AddressPolicy::SelfHosted).unwrap()
    }

    #[rstest]
    #[case("a=1", "https://shop.example/", Some("a=1"))]
    #[case("a=1", "https://www.shop.example/", None)]
    #[case("a=1; Domain=shop.example", "https://www.shop.example/", Some("a=1"))]
    #[case("a=1; Domain=.shop.example", "https://www.shop.example/", Some("a=1"))]
    #[case("a=1; Domain=other.example", "https://other.example/", None)]
    #[case("a=1; Domain=example", "https://other.example/", None)]
    #[case("a=1; Domain=op.example", "https://op.example/", None)]
    #[case("a=1; Secure", "http://shop.example/", None)]
    #[case("a=1; Max-Age=0", "https://shop.example/", None)]
    #[case("nonsense", "https://shop.example/", None)]
    fn goes_where_it_belongs(#[case] set: &str, #[case] to: &str, #[case] sent: Option<&str>) {
        let mut cookies = Cookies::default();
        let answer = HttpFacts {
            headers: vec![("set-cookie".to_owned(), set.to_owned())],
            ..HttpFacts::default()
        };
        cookies.take(&url("https://shop.example/"), &answer);
        assert_eq!(cookies.header(&url(to)).as_deref(), sent);
    }
}
