//! The shared cases of `tests/data/address-policy.jsonl`, and tables of our own.

use rstest::rstest;
use serde::Deserialize;

use super::AddressPolicy::{Hosted, SelfHosted};
use super::*;

#[derive(Deserialize)]
struct Case {
    id: String,
    kind: String,
    input: String,
    verdict: String,
}

fn cases(kind: &str) -> Vec<Case> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/data/address-policy.jsonl"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let all = text
        .lines()
        .map(|line| serde_json::from_str::<Case>(line).unwrap());
    let cases: Vec<_> = all.filter(|case| case.kind == kind).collect();
    assert!(cases.len() >= 20, "{kind}: {} cases", cases.len());
    cases
}

fn hold(kind: &str, allowed: impl Fn(&str) -> Result<(), String>) {
    let wrong: Vec<String> = cases(kind)
        .into_iter()
        .filter_map(|case| {
            let told = allowed(&case.input);
            let right = match case.verdict.as_str() {
                "allow" => told.is_ok(),
                "refuse" => told.is_err(),
                _ => true,
            };
            (!right).then(|| format!("{} {:?}: {told:?}", case.id, case.input))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn url_cases() {
    hold("url", |text| {
        TargetUrl::parse(text, Hosted)
            .map(drop)
            .map_err(|e| e.to_string())
    });
}

#[test]
fn address_cases() {
    hold("addr", |text| {
        let ip = text.parse().map_err(|_| "unreadable".to_owned())?;
        check_ip(ip, Hosted).map_err(|e| e.to_string())
    });
}

#[test]
fn header_cases() {
    hold("header", |text| {
        let told = match text.strip_prefix("METHOD ") {
            Some(method) => check_method(method),
            None => {
                let (name, value) = text.split_once(':').unwrap();
                check_header(name, value.strip_prefix(' ').unwrap_or(value), Hosted)
            }
        };
        told.map_err(|e| e.to_string())
    });
}

#[rstest]
#[case("http://localhost:3000/", true)]
#[case("http://app.localhost/", true)]
#[case("http://nas/", true)]
#[case("http://192.168.1.1:8080/", true)]
#[case("http://[::1]:9000/", true)]
#[case("http://db.internal:5432/", true)]
#[case("http://user:pw@10.0.0.1/", true)]
#[case("http://127.1/", false)]
#[case("http://2130706433/", false)]
#[case("http://0x7f.1/", false)]
#[case("http://127.0.0.1./", false)]
#[case("http://１２７.0.0.1/", false)]
#[case("http://[fe80::1%25eth0]/", false)]
#[case("ftp://nas/", false)]
#[case("http://nas:0/", false)]
#[case("http://a@b@nas/", false)]
#[case("http://n%61s/", false)]
#[case(" http://nas/", false)]
fn self_hosted_urls(#[case] text: &str, #[case] allowed: bool) {
    assert_eq!(
        TargetUrl::parse(text, SelfHosted).is_ok(),
        allowed,
        "{text}"
    );
}

#[rstest]
#[case("shop.example", true, true)]
#[case("Bücher.example", true, true)]
#[case("shop.example.", true, true)]
#[case("1.1.1.1", true, true)]
#[case("2606:4700:4700::1111", true, true)]
#[case("[2606:4700:4700::1111]", true, true)]
#[case("localhost", false, true)]
#[case("nas", false, true)]
#[case("10.0.0.1", false, true)]
#[case("::1", false, true)]
#[case("_sip._tcp.shop.example", true, true)]
#[case("", false, false)]
#[case("shop.example:25", false, false)]
#[case("https://shop.example", false, false)]
#[case("shop.example/x", false, false)]
#[case("a@shop.example", false, false)]
#[case("127.1", false, false)]
#[case("shop.123", false, false)]
#[case("256.1.1.1", false, false)]
#[case("fe80::1%eth0", false, false)]
#[case("sh%6fp.example", false, false)]
#[case("shop example", false, false)]
#[case("shop\u{200d}.example", false, false)]
#[case("a..b", false, false)]
#[case("-", false, true)]
fn hosts(#[case] text: &str, #[case] hosted: bool, #[case] self_hosted: bool) {
    assert_eq!(TargetHost::parse(text, Hosted).is_ok(), hosted, "{text}");
    assert_eq!(
        TargetHost::parse(text, SelfHosted).is_ok(),
        self_hosted,
        "{text}"
    );
}

#[rstest]
#[case("http://127.0.1/")]
#[case("http://0177.0.0.1/")]
#[case("http://%31%32%37.0.0.1/")]
#[case("http://①②⑦.⓪.⓪.①/")]
#[case("http://127。0。0。1/")]
#[case("http://127.0.0.１/")]
#[case("http://1.2.3.4.5/")]
#[case("http://shop.0x/")]
#[case("http://[0:0:0:0:0:ffff:7f00:1]/")]
#[case("http://[64:ff9b::127.0.0.1]/")]
#[case("http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/")]
#[case("http://[::ffff:169.254.169.254]:80/")]
#[case("http://[::1")]
#[case("http://LOCALHOST/")]
#[case("http://localhost./")]
#[case("http://ⓛocalhost/")]
#[case("http://loc%61lhost/")]
#[case("http://a.LOCAL./")]
#[case("http://x.cluster.local/")]
#[case("http://x.onion/")]
#[case("http://1.0.0.127.in-addr.arpa/")]
#[case("http://shop.example@169.254.169.254/")]
#[case("http://169.254.169.254#@shop.example/")]
#[case("http://169.254.169.254\\.shop.example/")]
#[case("http://shop.example\\@127.0.0.1/")]
#[case("http://shop.example:0/")]
#[case("http://shop.example:25/")]
#[case("http://shop.example:-1/")]
#[case("https://shop.example:3306/")]
#[case("dict://shop.example:11211/")]
#[case("data:text/html,x")]
#[case("javascript:alert(1)")]
#[case("//shop.example/")]
#[case("shop.example")]
#[case("http://")]
#[case("http://?")]
#[case("http://:80/")]
#[case("http://@/")]
#[case("http://shop..example/")]
#[case("http://.shop.example/")]
#[case("http://sh op.example/")]
#[case("http://shop.example\t/")]
#[case("http://shop.example/\u{0}")]
#[case("http://shop.example/\u{202e}")]
#[case("http://shop.example\u{feff}/")]
#[case("http://u%zz:p@shop.example/")]
#[case("http://u%0d%0a:p@shop.example/")]
fn more_refused_urls(#[case] text: &str) {
    let told = TargetUrl::parse(text, Hosted);
    assert!(told.is_err(), "{told:?}");
}

#[rstest]
#[case("https://shop.example")]
#[case("HTTPS://SHOP.EXAMPLE/")]
#[case("https://shop.example./")]
#[case("https://shop.example:8443/")]
#[case("https://shop.example:80/")]
#[case("http://my_shop.example/a%20b?q=%2F#x")]
#[case("https://shop.example/?next=http://127.0.0.1/")]
#[case("https://shop.example/@127.0.0.1")]
#[case("https://shop.example?x@y")]
#[case("https://shop.example/grüße")]
#[case("https://shop.example/\\x")]
#[case("https://xn--bcher-kva.example/")]
#[case("https://3com.example/")]
#[case("https://shop.0xyz/")]
#[case("http://100.63.255.255/")]
#[case("http://100.128.0.0/")]
#[case("http://[2a00:1450:4001::1]:8080/")]
fn more_allowed_urls(#[case] text: &str) {
    let told = TargetUrl::parse(text, Hosted);
    assert!(told.is_ok(), "{told:?}");
}

#[test]
fn credentials_leave_the_url() {
    let url = TargetUrl::parse("https://us%65r:p%40w@shop.example/a?b=c#d", Hosted).unwrap();
    assert_eq!(url.as_str(), "https://shop.example/a?b=c#d");
    assert_eq!(url.path_and_query(), "/a?b=c");
    assert_eq!(url.authority(), "shop.example");
    assert_eq!(
        url.credentials().unwrap().basic_authorization(),
        "Basic dXNlcjpwQHc="
    );
    assert_eq!(format!("{:?}", url.credentials()), "Some(Credentials(…))");
    assert_eq!(
        without_userinfo("https://u:p@shop.example/a"),
        "https://shop.example/a"
    );
    assert_eq!(
        without_userinfo("https://Shop.example"),
        "https://Shop.example"
    );
}

#[rstest]
#[case("/login", Some("https://shop.example/login"))]
#[case("//other.example/x", Some("https://other.example/x"))]
#[case("http://127.0.0.1/", None)]
#[case("http://2852039166/latest", None)]
#[case("//0x7f.1/", None)]
#[case("http://[::ffff:169.254.169.254]/", None)]
#[case("file:///etc/passwd", None)]
#[case("gopher://127.0.0.1:6379/_x", None)]
#[case("http://localhost/", None)]
#[case("\\\\127.0.0.1\\x", None)]
#[case("https://shop.example:6379/", None)]
fn redirects_are_judged_again(#[case] location: &str, #[case] leads_to: Option<&str>) {
    let from = TargetUrl::parse("https://shop.example/a", Hosted).unwrap();
    let to = from.join(location, Hosted);
    assert_eq!(to.as_ref().ok().map(TargetUrl::as_str), leads_to, "{to:?}");
}

#[rstest]
#[case("shop.example", "https://shop.example/")]
#[case("  shop.example/health ", "https://shop.example/health")]
#[case("//shop.example", "https://shop.example/")]
#[case("shop.example:8443/x", "https://shop.example:8443/x")]
#[case("shop.example:80", "http://shop.example:80/")]
#[case("localhost:3000", "http://localhost:3000/")]
#[case("192.168.1.4", "http://192.168.1.4/")]
#[case("1.1.1.1", "https://1.1.1.1/")]
#[case("nas", "http://nas/")]
#[case("::1", "http://[::1]/")]
#[case("[::1]:8080/x", "http://[::1]:8080/x")]
#[case("HTTP://Shop.example", "HTTP://Shop.example/")]
#[case("<https://shop.example/a>", "https://shop.example/a")]
#[case("javascript:alert(1)", "javascript:alert(1)")]
#[case("mailto:a@b.c", "mailto:a@b.c")]
#[case("http//shop.example", "http://shop.example/")]
#[case("https:/shop.example/a", "https://shop.example/a")]
#[case("HTTPS;//shop.example", "https://shop.example/")]
#[case("http/health", "http://http/health")]
#[case("httpbin.example/a//b", "https://httpbin.example/a//b")]
#[case("", "")]
fn completion(#[case] typed: &str, #[case] url: &str) {
    assert_eq!(complete_url(typed), url);
}

#[rstest]
#[case("a.example, b.example;c.example\nhttps://d.example/x,y",
       &["https://a.example/", "https://b.example/", "https://c.example/", "https://d.example/x,y"])]
#[case("https://a.example/x,https://b.example/y", &["https://a.example/x", "https://b.example/y"])]
#[case("a.example,a.example\r\n\r\n  a.example/ ", &["https://a.example/"])]
#[case(" ,;\n", &[])]
fn lists(#[case] pasted: &str, #[case] urls: &[&str]) {
    assert_eq!(complete_urls(pasted), urls);
}

#[rstest]
#[case("https://u:p@shop.example/a", Some(("u:p", "https://shop.example/a")))]
#[case("https://u:p@q@shop.example", Some(("u:p@q", "https://shop.example")))]
#[case("https://u@Shop.example?x=@y", Some(("u", "https://Shop.example?x=@y")))]
#[case("https://@shop.example/", Some(("", "https://shop.example/")))]
#[case("https://shop.example/a@b", None)]
#[case("https://shop.example?a@b", None)]
#[case("shop.example", None)]
fn userinfo_is_split_off_and_put_back(#[case] text: &str, #[case] wanted: Option<(&str, &str)>) {
    let split = split_userinfo(text);
    let wanted = wanted.map(|(userinfo, rest)| (userinfo, rest.to_owned()));
    assert_eq!(split, wanted);
    if let Some((userinfo, rest)) = split {
        assert_eq!(join_userinfo(userinfo, &rest), text);
    }
}
