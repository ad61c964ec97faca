//! `/docs/guides`: one guide for each family of causes and for each server that people run. Which cause
//! leads to which is `domain::incident::diagnosis::guide`; the text is a template of the guide's name.

use askama::Template;
use axum::extract::Path;
use domain::check::FailureClass;
use domain::incident::{Incident, diagnosis};

use super::guides::finish;
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::view::{Shell, render};

/// A guide.
#[derive(Debug)]
pub struct Guide {
    /// The last part of its address.
    pub slug: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// One line.
    pub about: &'static str,
    /// What is worth reading after it.
    more: &'static [&'static str],
}

/// How many of them are about what people see; the others are about what they run.
const CAUSES: usize = 10;

static GUIDES: [Guide; 17] = [
    Guide {
        slug: "502",
        title: "502 Bad Gateway",
        about: "The proxy lives, and the program behind it does not answer properly",
        more: &["nginx", "php-fpm", "node", "504"],
    },
    Guide {
        slug: "503",
        title: "503 Service Unavailable",
        about: "More than the server can take, or switched off on purpose",
        more: &["php-fpm", "load-balancers", "wordpress"],
    },
    Guide {
        slug: "504",
        title: "504 Gateway Timeout",
        about: "The program behind the proxy lives, and is too slow",
        more: &["php-fpm", "timeouts", "502"],
    },
    Guide {
        slug: "cloudflare",
        title: "Errors at Cloudflare: 520 to 526 and 530",
        about: "What each number says of your own server, and how to ask it directly",
        more: &["502", "certificates", "blocked", "redirects"],
    },
    Guide {
        slug: "connection-refused",
        title: "Connection refused",
        about: "The machine is there, and nobody listens on the port",
        more: &["timeouts", "docker", "nginx"],
    },
    Guide {
        slug: "timeouts",
        title: "Time-outs",
        about: "Where it stops: connection, handshake, answer or page",
        more: &["504", "connection-refused", "dns"],
    },
    Guide {
        slug: "dns",
        title: "DNS",
        about: "The name does not exist, has no address, or its servers fail",
        more: &["timeouts", "certificates"],
    },
    Guide {
        slug: "certificates",
        title: "Certificates",
        about: "Expired, wrong name, self-signed, or without the chain",
        more: &["cloudflare", "nginx", "redirects"],
    },
    Guide {
        slug: "redirects",
        title: "Redirects",
        about: "In a circle, too many, or to nowhere",
        more: &["cloudflare", "wordpress", "nginx"],
    },
    Guide {
        slug: "blocked",
        title: "Blocked by protection",
        about: "A firewall or challenge takes us for a bot",
        more: &["cloudflare", "503"],
    },
    Guide {
        slug: "nginx",
        title: "nginx",
        about: "What its error log says, line by line",
        more: &["502", "504", "php-fpm", "node"],
    },
    Guide {
        slug: "apache",
        title: "Apache",
        about: "Proxy modules, AH codes, .htaccess, workers",
        more: &["502", "php-fpm"],
    },
    Guide {
        slug: "wordpress",
        title: "WordPress",
        about: "Critical errors, database, updates that were cut short, PHP workers",
        more: &["php-fpm", "503", "redirects"],
    },
    Guide {
        slug: "node",
        title: "Node.js",
        about: "Crashes, ports, keep-alive",
        more: &["502", "nginx", "docker"],
    },
    Guide {
        slug: "php-fpm",
        title: "PHP-FPM",
        about: "Workers, sockets, slow and crashing scripts",
        more: &["502", "504", "nginx", "wordpress"],
    },
    Guide {
        slug: "docker",
        title: "Docker",
        about: "Containers that end, are unhealthy, or nobody reaches",
        more: &["502", "connection-refused", "node"],
    },
    Guide {
        slug: "load-balancers",
        title: "Load balancers",
        about: "AWS, HAProxy, Kubernetes: which backend, and why",
        more: &["502", "503", "504"],
    },
];

/// The guide of that name.
fn find(slug: &str) -> Option<&'static Guide> {
    GUIDES.iter().find(|guide| guide.slug == slug)
}

/// The guide that tells more about a cause or a class of failure.
pub fn of(cause: Option<&str>, class: FailureClass) -> Option<&'static Guide> {
    find(diagnosis::guide(cause, class)?)
}

/// The guide about an incident's cause.
pub fn of_incident(incident: &Incident) -> Option<&'static Guide> {
    let cause = incident.diagnosis.as_ref().map(|one| one.cause.as_str());
    of(cause, incident.failure.class)
}

#[derive(Template)]
#[template(path = "docs/handbook.html")]
struct IndexPage {
    shell: Shell,
    causes: &'static [Guide],
    platforms: &'static [Guide],
}

#[derive(Template)]
#[template(path = "docs/handbook_page.html")]
struct GuidePage {
    shell: Shell,
    guide: &'static Guide,
    more: Vec<&'static Guide>,
}

/// All of them.
pub async fn index(visitor: Visitor) -> PageResult {
    let (causes, platforms) = GUIDES.split_at(CAUSES);
    let shell = visitor.shell("Guides").section("docs").description(
        "What an outage means, how to find its cause, and what helps: 502, time-outs, DNS, certificates and more.",
    );
    let page = IndexPage {
        shell,
        causes,
        platforms,
    };
    finish(&visitor, render(&page)?)
}

/// One of them.
pub async fn show(visitor: Visitor, Path(slug): Path<String>) -> PageResult {
    let guide = find(&slug).ok_or(PageError::NotFound)?;
    let page = GuidePage {
        shell: visitor
            .shell(guide.title)
            .section("docs")
            .description(guide.about),
        guide,
        more: guide.more.iter().filter_map(|slug| find(slug)).collect(),
    };
    finish(&visitor, render(&page)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_of_the_diagnosis_is_a_page_and_leads_on() {
        let slugs: Vec<&str> = GUIDES.iter().map(|guide| guide.slug).collect();
        assert_eq!(slugs, diagnosis::GUIDES);
        for guide in &GUIDES {
            let page = GuidePage {
                shell: Shell::new(String::new(), crate::view::Theme::System, None),
                guide,
                more: Vec::new(),
            };
            let text = page.render().unwrap();
            for part in ["Find out", "What helps", "What it is not"] {
                assert!(text.contains(part), "{}: {part}", guide.slug);
            }
            let linked = guide
                .more
                .iter()
                .all(|slug| find(slug).is_some() && *slug != guide.slug);
            assert!(linked && !guide.more.is_empty(), "{}", guide.slug);
            // Links in the text lead to guides that are there.
            for rest in text.split("/docs/guides/").skip(1) {
                let end = rest.find('"').unwrap();
                assert!(
                    find(&rest[..end]).is_some(),
                    "{}: {}",
                    guide.slug,
                    &rest[..end]
                );
            }
        }
    }
}
