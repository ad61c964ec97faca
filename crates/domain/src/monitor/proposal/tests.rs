use jiff::Timestamp;
use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::check::verdict::{Expectation, judge};
use crate::check::{Redirect, Verdict};
use crate::monitor::spec::{HttpSpec, JsonRule};
use crate::monitor::{HttpAuth, MonitorSpec};

const URL: &str = "https://shop.example/";
const HTML: &str = "text/html; charset=utf-8";

fn with(http: HttpSpec) -> Settings {
    Settings::of(&MonitorSpec {
        url: Some(URL.to_owned()),
        http: Some(http),
        ..MonitorSpec::default()
    })
}

fn settings() -> Settings {
    with(HttpSpec::default())
}

fn answer(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Observation {
    Observation {
        http: Some(HttpFacts {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body: body.into(),
            body_complete: true,
            ..HttpFacts::default()
        }),
        ..Observation::begin(Timestamp::UNIX_EPOCH)
    }
}

fn led(mut seen: Observation, to: &str) -> Observation {
    seen.redirects.push(Redirect {
        from: URL.to_owned(),
        status: 302,
        to: to.to_owned(),
    });
    seen
}

fn judged(seen: &Observation, settings: &Settings) -> Verdict {
    judge(seen, &Expectation::of(settings, true, false))
}

fn offered(seen: &Observation) -> Vec<String> {
    let settings = settings();
    offers(seen, judged(seen, &settings).kind, &settings)
}

fn proposed(good: &Observation, missing: &Observation) -> Option<Proposal> {
    propose(&offered(good), missing, judged(missing, &settings()).kind)
}

/// What is proposed of two pages in HTML, the second with this status.
fn of_pages(good: &str, (status, missing): (u16, &str)) -> Option<String> {
    let found = proposed(&answer(200, HTML, good), &answer(status, HTML, missing))?;
    assert!(good.contains(&found.text), "{found:?}");
    assert!(!missing.contains(&found.text), "{found:?}");
    assert_eq!(found.status, status);
    Some(found.text)
}

const NGINX_404: &str = "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center>\
                         <hr><center>nginx</center></body></html>";
const SHOP: &str = r#"<!DOCTYPE html><html lang="en"><head><title>Acme Shop</title>
<script>var token = "Add to basket everywhere";</script><style>h1 { color: red }</style></head>
<body><nav><a href="/">Home</a><a href="/basket">Your basket (0)</a></nav>
<article><a href="/p/1">Ten reasons to buy boots this year</a><button>Add to basket</button></article>
<article><a href="/p/2">Boots</a><button class="a > b">Add to basket</button></article>
<p>Free delivery from 40 €</p></body></html>"#;
const SHOP_MISSING: &str = r#"<html><head><title>Acme Shop</title></head>
<body><nav><a href="/">Home</a><a href="/basket">Your basket (0)</a></nav><h1>Nothing here</h1><a href="/">Back to the start</a></body></html>"#;
const WORDPRESS: &str = r#"<title>Handmade boots from Bavaria &#8211; Acme</title>
<meta name="generator" content="WordPress 6.7"><header><a href="/">Acme</a><a href="/about/">About us here</a></header>
<h1 class="entry-title">Our workshop</h1><form role="search"><button>Search the site</button></form>"#;
const WORDPRESS_404: &str = r#"<title>Page not found &#8211; Acme</title>
<meta name="generator" content="WordPress 6.7"><header><a href="/">Acme</a><a href="/about/">About us here</a></header>
<h1 class="page-title">Oops! That page can&rsquo;t be found.</h1><form role="search"><button>Search the site</button></form>"#;
const SPA: &str = r#"<!doctype html><html><head><title>Acme Dashboard</title></head><body>
<noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div>
<script src="/static/js/main.3f2c1b.js"></script></body></html>"#;

#[rstest]
#[case::a_shop_that_answers_200_for_all(SHOP, (200, SHOP_MISSING), Some("Add to basket"))]
#[case::wordpress(WORDPRESS, (404, WORDPRESS_404), Some("Handmade boots from Bavaria"))]
#[case::wordpress_answers_200(WORDPRESS, (200, WORDPRESS_404), Some("Handmade boots from Bavaria"))]
#[case::one_page_for_everything(SPA, (200, SPA), None)]
#[case::a_bare_404(SPA, (404, NGINX_404), Some("Acme Dashboard"))]
#[case::the_page_that_fits_beside_the_name("<title>Acme | Winter boots</title>", (200, "<title>Acme | Not found</title>"), Some("Winter boots"))]
#[case::german_page_and_english_404("<title>Handgemachte Schuhe</title><h1>Schuhe aus Bayern</h1>", (404, NGINX_404), Some("Handgemachte Schuhe"))]
#[case::umlauts("<h1>Größe und Passform</h1>", (404, "<h1>Seite nicht gefunden</h1>"), Some("Größe und Passform"))]
#[case::japanese("<title>手作りブーツのお店 バイエルン</title>", (404, "<title>ページが見つかりません</title>"), Some("手作りブーツのお店 バイエルン"))]
#[case::hindi("<h1>हमारी दुकान में स्वागत है</h1>", (404, NGINX_404), Some("हमारी दुकान में स्वागत है"))]
#[case::arabic("<h1>متجر الأحذية اليدوية</h1>", (404, NGINX_404), Some("متجر الأحذية اليدوية"))]
#[case::a_headline_of_several_lines("<h1>\n    Handmade boots\n  </h1>", (404, NGINX_404), Some("Handmade boots"))]
#[case::only_words_that_are_there("<title>Boots and shoes</title>", (404, "<p>Shoes, and boots.</p>"), None)]
#[case::another_case("<h1>Handmade boots</h1>", (200, "<h2>HANDMADE BOOTS</h2>"), None)]
#[case::over_a_line_break("<h1>Handmade boots</h1>", (200, "<h2>Handmade\n boots</h2>"), None)]
#[case::only_in_a_script_there("<h1>Handmade boots</h1>", (200, "<script>t='Handmade boots'</script>"), None)]
#[case::an_entity_in_between("<h1>Boots &amp; shoes of all kinds</h1>", (404, NGINX_404), Some("shoes of all kinds"))]
#[case::whole_before_parts("<h1>Welcome to <b>Acme</b> and friends</h1><button>Add to basket</button>", (404, NGINX_404), Some("Add to basket"))]
#[case::a_long_title_is_cut("<title>Buy handmade leather boots and shoes online from Bavaria</title>", (404, NGINX_404), Some("Buy handmade leather boots and shoes"))]
#[case::nothing_to_read("", (404, NGINX_404), None)]
#[case::an_empty_404("<title>Handmade boots</title>", (404, ""), Some("Handmade boots"))]
#[case::gone("<title>Handmade boots</title>", (410, "Gone"), Some("Handmade boots"))]
fn a_text_that_only_the_good_page_has(
    #[case] good: &str,
    #[case] missing: (u16, &str),
    #[case] wanted: Option<&str>,
) {
    assert_eq!(of_pages(good, missing).as_deref(), wanted);
    assert_eq!(
        of_pages(good, missing).as_deref(),
        wanted,
        "the same each time"
    );
}

/// What may be another tomorrow, is no text of the page, or is not what it seems.
#[rstest]
#[case::figures("<h1>Save up to 50 percent</h1>")]
#[case::a_price("<h1>Boots from € only</h1>")]
#[case::a_day("<h1>Open on Monday and Friday</h1>")]
#[case::a_month("<h1>Katalog für November</h1>")]
#[case::an_hour("<h1>Good morning, friends</h1>")]
#[case::in_french("<h1>Bonjour à tous</h1>")]
#[case::an_offer("<h1>Winter sale of boots</h1>")]
#[case::a_banner("<button>Accept all cookies</button>")]
#[case::a_token("<h1>session qXzRtWvBnMkL</h1>")]
#[case::a_long_token("<h1>abcdefghijklmnopqrstuvwxyz</h1>")]
#[case::camels("<h1>myTokenHasManyTurns here</h1>")]
#[case::a_template("<h1>Hello {{ visitor.name }}</h1>")]
#[case::short("<h1>Boots</h1>")]
#[case::long_headlines_come_and_go(
    "<h1>The council decided to build the bridge over the river after all</h1>"
)]
#[case::so_do_links("<a href=/>Council builds the bridge after all</a>")]
#[case::a_comment("<!-- <h1>Handmade boots</h1> -->")]
#[case::a_script("<script><h1>Handmade boots</h1></script>")]
#[case::a_style("<style><h1>Handmade boots</h1></style>")]
#[case::in_a_drawing("<svg><title>Handmade boots</title></svg>")]
#[case::what_javascript_lacks("<noscript><h1>Handmade boots</h1></noscript>")]
#[case::an_attribute("<h1 title=\"Handmade boots\"></h1>")]
#[case::an_attribute_that_is_never_closed("<h1 title=\"> Handmade boots </h1>")]
#[case::a_comment_that_is_never_closed("<!-- <h1>Handmade boots</h1>")]
#[case::a_right_to_left_mark("<h1>Hand\u{202E}made boots</h1>")]
#[case::nothing_wide("<h1>Hand\u{200B}made boots</h1>")]
#[case::markup_as_text("<h1>&lt;script&gt;alert&lt;/script&gt;</h1>")]
#[case::a_quote("<h1>Boots\"onload=alert</h1>")]
#[case::an_error("<h1>Internal server error</h1>")]
fn what_is_not_worth_asking_for(#[case] page: &str) {
    assert_eq!(offered(&answer(200, HTML, page)), Vec::<String>::new());
}

#[test]
fn a_page_without_markup_offers_its_lines() {
    let good = answer(200, "text/plain", "Everything is fine here.\r\nqueue: 12\n");
    let found = proposed(&good, &answer(404, "text/plain", "Not found")).unwrap();
    assert_eq!(
        (found.text.as_str(), found.missing, found.status),
        ("Everything is fine here", Missing::Refuses, 404)
    );
}

#[rstest]
#[case::json("application/json", "{\"a\": \"Handmade boots\"}")]
#[case::an_image("image/png", "<h1>Handmade boots</h1>")]
#[case::unnamed("", "<h1>Handmade boots</h1>")]
fn only_html_and_text_are_read(#[case] kind: &str, #[case] body: &str) {
    assert_eq!(offered(&answer(200, kind, body)), Vec::<String>::new());
}

#[rstest]
#[case::latin1("text/html; charset=ISO-8859-1", b"<h1>Gr\xF6\xDFe und Passform</h1>".as_slice(), Some("Größe und Passform"))]
#[case::latin1_in_the_page(
    "text/html",
    b"<meta charset=\"windows-1252\"><h1>Sch\xF6ne Schuhe \x96 immer</h1>",
    Some("Schöne Schuhe")
)]
#[case::unknown("text/html", b"<h1>\x8E\xE8\x8D\xEC\x82\xE8\x83u\x81[\x83c</h1>", None)]
#[case::ascii_of_an_unknown(
    "text/html; charset=shift_jis",
    b"<p>\x8E\xE8</p><h1>Handmade boots</h1>",
    Some("Handmade boots")
)]
#[case::utf16(
    "text/html",
    b"\xFF\xFE<\0h\x001\0>\0N\0i\0c\0e\0 \0b\0o\0o\0t\0s\0",
    Some("Nice boots")
)]
fn a_text_is_found_in_the_charset_of_its_page(
    #[case] kind: &str,
    #[case] body: &[u8],
    #[case] wanted: Option<&str>,
) {
    let good = answer(200, kind, body);
    let found = proposed(&good, &answer(404, HTML, NGINX_404)).map(|found| found.text);
    assert_eq!(found.as_deref(), wanted);
    // The rule that it becomes holds.
    let asks = with(HttpSpec {
        keyword: found,
        ..HttpSpec::default()
    });
    assert_eq!(judged(&good, &asks), Verdict::up());
}

#[test]
fn of_a_huge_page_the_beginning_is_read() {
    let filler = "<p>Words of a blog.</p>".repeat(200_000);
    let early = format!("<title>Handmade boots</title>{filler}");
    let late = format!("{filler}<h1>Handmade boots</h1>");
    assert_eq!(
        of_pages(&early, (404, NGINX_404)).as_deref(),
        Some("Handmade boots")
    );
    assert_eq!(of_pages(&late, (404, NGINX_404)), None);
    // It cannot be said that the text is not there.
    assert_eq!(of_pages("<h1>Handmade boots</h1>", (200, &filler)), None);
    let mut cut = answer(404, HTML, NGINX_404);
    cut.http.as_mut().unwrap().body_complete = false;
    assert_eq!(proposed(&answer(200, HTML, SHOP), &cut), None);
}

/// Pages that are made to cost time: each is read to the limit and no further.
#[rstest]
#[case("<")]
#[case("<a")]
#[case("<a ")]
#[case("<a href=\"")]
#[case("<!--")]
#[case("<script>")]
#[case("</")]
#[case("<title>")]
#[case("<svg><title>")]
#[case("<h1><button><a>")]
#[case("<h1>Boots")]
#[case("<button>Add to basket")]
#[case("&amp")]
#[case("&;")]
#[case("a  ")]
#[case(" | ")]
#[case("</h1></a></button>")]
fn a_hostile_page_ends(#[case] piece: &str) {
    let page = piece.repeat(1_000_000 / piece.len());
    let seen = answer(200, HTML, page.as_str());
    let found = offered(&seen);
    assert!(found.len() <= MOST && found.iter().all(|text| text.chars().count() <= 40));
    let _ = propose(&found, &seen, judged(&seen, &settings()).kind);
    let _ = proposed(&answer(200, HTML, SHOP), &seen);
}

#[rstest]
#[case::an_answer(answer(200, HTML, NGINX_404), Some((Missing::Answers, 200)))]
#[case::over_https(led(answer(200, HTML, NGINX_404), &format!("https://shop.example/x-{SUFFIX}")), Some((Missing::Answers, 200)))]
#[case::to_the_first_page(led(answer(200, HTML, "<h1>Sign in here</h1>"), "https://shop.example/login"), Some((Missing::Leads, 200)))]
#[case::as_it_should(answer(404, HTML, NGINX_404), Some((Missing::Refuses, 404)))]
#[case::led_and_refused(led(answer(404, HTML, NGINX_404), "https://shop.example/404"), Some((Missing::Refuses, 404)))]
#[case::an_error(answer(503, HTML, NGINX_404), None)]
#[case::not_allowed(answer(403, HTML, NGINX_404), None)]
#[case::unfollowed(answer(302, HTML, ""), None)]
#[case::a_challenge(answer(200, HTML, "<h1>Making sure you're not a bot!</h1>"), None)]
fn what_the_other_answer_says_of_the_site(
    #[case] missing: Observation,
    #[case] wanted: Option<(Missing, u16)>,
) {
    let found = proposed(&answer(200, HTML, SHOP), &missing);
    assert_eq!(found.map(|found| (found.missing, found.status)), wanted);
}

#[rstest]
#[case::https("https://shop.example/de/", true)]
#[case::www("https://www.shop.example/", true)]
#[case::elsewhere("https://parked.example/", false)]
#[case::below("https://login.shop.example/", false)]
#[case::nowhere("••••", false)]
fn a_page_of_another_host_offers_nothing(#[case] to: &str, #[case] offers: bool) {
    let seen = led(answer(200, HTML, SHOP), to);
    assert_eq!(!offered(&seen).is_empty(), offers);
}

#[rstest]
#[case(with(HttpSpec::default()), true)]
#[case(with(HttpSpec { keyword: Some("x".to_owned()), ..HttpSpec::default() }), false)]
#[case(with(HttpSpec { keyword_absent: Some("x".to_owned()), ..HttpSpec::default() }), false)]
#[case(with(HttpSpec { regex: Some("x".to_owned()), ..HttpSpec::default() }), false)]
#[case(with(HttpSpec { json: Some(vec![JsonRule { path: "$".to_owned(), op: "exists".to_owned(), value: serde_json::Value::Null }]), ..HttpSpec::default() }), false)]
#[case(with(HttpSpec { method: Some("POST".to_owned()), ..HttpSpec::default() }), false)]
#[case(with(HttpSpec { method: Some("HEAD".to_owned()), ..HttpSpec::default() }), false)]
#[case(with(HttpSpec { body: Some("x".to_owned()), ..HttpSpec::default() }), false)]
#[case(Settings::of(&MonitorSpec { host: Some("shop.example".to_owned()), kind: Some(crate::monitor::Kind::Tcp), port: Some(80), ..MonitorSpec::default() }), false)]
fn where_a_text_may_be_proposed(#[case] settings: Settings, #[case] room: bool) {
    assert_eq!(has_room(&settings), room);
    assert_eq!(missing(&settings, "x").is_some(), room);
    let seen = answer(200, HTML, SHOP);
    assert_eq!(offers(&seen, VerdictKind::Up, &settings).is_empty(), !room);
}

#[rstest]
#[case("https://shop.example", "https://shop.example/n0nce-")]
#[case("https://shop.example/?page=shop#top", "https://shop.example/n0nce-")]
#[case("https://shop.example/de/boots", "https://shop.example/de/n0nce-")]
#[case(
    "https://shop.example/de/boots/",
    "https://shop.example/de/boots/n0nce-"
)]
#[case(
    "http://u:p@shop.example:8080/a%20b/c",
    "http://u:p@shop.example:8080/a%20b/n0nce-"
)]
fn an_address_that_cannot_exist_is_beside_the_page(#[case] url: &str, #[case] wanted: &str) {
    let auth = HttpAuth {
        bearer: Some("s3cret".to_owned()),
        ..HttpAuth::default()
    };
    let settings = Settings::of(&MonitorSpec {
        url: Some(url.to_owned()),
        http: Some(HttpSpec {
            auth: Some(auth.clone()),
            ..HttpSpec::default()
        }),
        ..MonitorSpec::default()
    });
    let Some(Target::Http(target)) = missing(&settings, "n0nce") else {
        panic!("no target")
    };
    assert_eq!(target.url, format!("{wanted}{SUFFIX}"));
    assert_eq!(target.auth, Some(auth));
}

proptest! {
    #[test]
    fn any_page_is_read(page in "\\PC{0,300}") {
        let seen = answer(200, HTML, page.as_str());
        for text in offered(&seen) {
            prop_assert!(page.contains(&text) && !text.contains(['<', '>', '&', '"', '\n']));
        }
    }

    #[test]
    fn any_markup_is_read(pieces in prop::collection::vec(prop::sample::select(vec![
        "<", ">", "/", "!", "--", "\"", "'", "=", "&", ";", " ", "\n", "h1", "title", "a", "button", "script", "svg", "Nice boots", "é",
    ]), 0..60)) {
        let page = pieces.concat();
        let seen = answer(200, HTML, page.as_str());
        for text in offered(&seen) {
            prop_assert!(page.contains(&text));
        }
        let _ = proposed(&answer(200, HTML, SHOP), &seen);
    }
}
