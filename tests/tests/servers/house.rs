//! The servers, their configurations and processes.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value, json};
use testkit::free_port;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::cases::{CASES, Case, Front, Then};
use super::texts::{APACHE, CADDY, CERTIFICATES, HAPROXY, LIGHTTPD, NGINX, PHP, TWO};
use crate::support::folder::Folder;
use crate::support::wait;

/// The name in the certificates: loopback without a query (RFC 6761).
pub const NAME: &str = "shop.localhost";

const PATIENCE: Duration = Duration::from_secs(20);

/// All servers, running; they end with this.
pub struct House {
    dir: Folder,
    ports: Vec<(u16, u16)>,
    children: Vec<(String, Child)>,
    /// A port whose queue is full: what knocks there is not answered, as behind a firewall that drops.
    deaf: (u16, Vec<OwnedFd>),
}

impl Drop for House {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            if let Some(pid) = child.id() {
                signal("-CONT", pid);
                signal("-TERM", pid);
            }
        }
    }
}

fn signal(which: &str, pid: u32) {
    let group = format!("-{pid}");
    let _ended = std::process::Command::new("kill")
        .args([which, "--", &group])
        .stderr(Stdio::null())
        .status();
}

impl House {
    /// Starts all of them, well.
    pub async fn start() -> Self {
        let mut house = Self {
            dir: Folder::new(),
            ports: free_ports(),
            children: Vec::new(),
            deaf: deaf(),
        };
        open_to_all(&house.dir, 0o755);
        certificates(&house.dir).await;
        for (number, case) in CASES.iter().enumerate() {
            let root = house.root(number);
            fs::create_dir_all(&root).expect("a folder");
            open_to_all(&root, 0o755);
            let fine = ["index.html", "index.php", "sorry.html"];
            for file in fine {
                fs::write(root.join(file), "Everything is fine here.\n").expect("written");
            }
            if matches!(case.then, Then::PhpBusy) {
                fs::write(root.join("sleep.php"), "<?php sleep(90);").expect("written");
            }
        }
        fs::write(house.dir.join("nobody"), "").expect("written");
        fs::write(house.dir.join("modes.json"), "{}").expect("written");
        house.write_configurations(false);
        house.start_processes();
        for (case, (front, back)) in CASES.iter().zip(house.ports.clone()) {
            let alone = matches!(case.front, Front::Node);
            for port in [front, if alone { front } else { back }] {
                let what = format!("port {port} of {}", house.dir.display());
                wait::until(&what, PATIENCE, async || {
                    TcpStream::connect(("127.0.0.1", port)).await.ok()
                })
                .await;
            }
        }
        house
    }

    /// What is watched of a case.
    pub fn url(&self, number: usize) -> String {
        let (case, (front, _)) = (&CASES[number], self.ports[number]);
        match case.tls {
            true => format!("https://{NAME}:{front}{}", case.path),
            false => format!("http://127.0.0.1:{front}{}", case.path),
        }
    }

    fn root(&self, number: usize) -> PathBuf {
        self.dir.join(format!("www{number}"))
    }

    fn fill(&self, text: &str, number: usize) -> String {
        let (front, back) = self.ports[number];
        text.replace("{front}", &front.to_string())
            .replace("{back}", &back.to_string())
            .replace("{deaf}", &self.deaf.0.to_string())
            .replace(
                "{nginx_dead}",
                &self.port_of("nginx, program stopped").to_string(),
            )
            .replace("{dir}", &self.dir.display().to_string())
            .replace("{root}", &self.root(number).display().to_string())
    }

    fn port_of(&self, name: &str) -> u16 {
        let number = CASES.iter().position(|case| case.name == name);
        self.ports[number.expect("a case")].0
    }

    fn write_configurations(&self, broken: bool) {
        let (mut nginx, mut apache, mut haproxy) = (String::new(), String::new(), String::new());
        for (number, case) in CASES.iter().enumerate() {
            let part = |text: &str| self.fill(text, number);
            match case.front {
                Front::Nginx(well) => nginx.push_str(&part(&nginx_server(case, well, broken))),
                Front::Apache(well) => apache.push_str(&part(&format!(
                    "Listen 127.0.0.1:{{front}}\n<VirtualHost *:{{front}}>\n{well}\n</VirtualHost>\n"
                ))),
                Front::Haproxy(well) => haproxy.push_str(&part(&format!(
                    "frontend f{number}\nbind 127.0.0.1:{{front}}\ndefault_backend b{number}\nbackend b{number}\n{well}\n"
                ))),
                Front::Varnish => self.write(
                    &format!("varnish{number}.vcl"),
                    &part("vcl 4.1;\nbackend default { .host = \"127.0.0.1\"; .port = \"{back}\"; .first_byte_timeout = 2s; }\n"),
                ),
                Front::Alone => self.write(
                    &format!("alone{number}.conf"),
                    &part(&NGINX.replace("{name}", &format!("alone{number}")).replace(
                        "{servers}",
                        "server { listen 127.0.0.1:{front}; root {root}; index index.html; }",
                    )),
                ),
                Front::Lighttpd => self.write(
                    &format!("lighttpd{number}.conf"),
                    &part(LIGHTTPD),
                ),
                Front::Caddy(more) => self.write(
                    &format!("caddy{number}"),
                    &part(&CADDY.replace("{more}", more)),
                ),
                Front::Node => {}
            }
        }
        let two = CASES
            .iter()
            .position(|case| case.name.contains("both servers"));
        let two = self.fill(TWO, two.expect("a case"));
        let all = NGINX
            .replace("{name}", "nginx")
            .replace("{servers}", &format!("{two}{nginx}"));
        self.write("nginx.conf", &self.fill(&all, 0));
        self.write("apache.conf", &self.fill(&format!("{APACHE}{apache}"), 0));
        self.write("haproxy.conf", &format!("{HAPROXY}{haproxy}"));
        self.write(
            "php.conf",
            &self.fill(&format!("{PHP}{}", pool("php", 2)), 0),
        );
        let pools = format!("{PHP}{}{}", pool("busy", 1), pool("own", 3));
        self.write("pools.conf", &self.fill(&pools, 0));
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.dir.join(file), text).expect("written");
    }

    fn start_processes(&mut self) {
        let dir = self.dir.display().to_string();
        let at = |file: &str| format!("{dir}/{file}");
        let php = fs::read_dir("/usr/sbin").expect("/usr/sbin").flatten();
        let php = php
            .map(|entry| entry.path())
            .find(|path| path.to_string_lossy().contains("/php-fpm"));
        let php = php
            .expect("PHP-FPM: scripts/install soak")
            .display()
            .to_string();
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data/servers/backend.js").to_owned();
        let mut backs = vec![data, at("modes.json")];
        for (number, case) in CASES.iter().enumerate() {
            let (front, back) = self.ports[number];
            // Programs by themselves die alone.
            if matches!(case.front, Front::Node) {
                let alone = [backs[0].clone(), backs[1].clone(), front.to_string()];
                self.run(&format!("node{number}"), "node", &alone);
            } else {
                backs.push(back.to_string());
            }
        }
        self.run("node", "node", &backs);
        for name in ["php", "pools"] {
            self.run(
                name,
                &php,
                &[
                    "-F".into(),
                    "-R".into(),
                    "-y".into(),
                    at(&format!("{name}.conf")),
                ],
            );
        }
        self.run("nginx", "/usr/sbin/nginx", &["-c".into(), at("nginx.conf")]);
        self.run(
            "apache",
            "/usr/sbin/apache2",
            &[
                "-DFOREGROUND".into(),
                "-d".into(),
                dir.clone(),
                "-f".into(),
                at("apache.conf"),
            ],
        );
        self.run(
            "haproxy",
            "/usr/sbin/haproxy",
            &["-db".into(), "-f".into(), at("haproxy.conf")],
        );
        for (number, case) in CASES.iter().enumerate() {
            self.start_alone(number, case);
        }
    }

    /// The servers that are one case's alone.
    fn start_alone(&mut self, number: usize, case: &Case) {
        let (front, _) = self.ports[number];
        let at = |file: &str| self.dir.join(file).display().to_string();
        let listen = format!("127.0.0.1:{front}");
        let (name, program, args): (String, &str, Vec<String>) = match case.front {
            Front::Alone => {
                let name = format!("alone{number}");
                let file = at(&format!("{name}.conf"));
                (name, "/usr/sbin/nginx", vec!["-c".into(), file])
            }
            Front::Lighttpd => {
                let name = format!("lighttpd{number}");
                let file = at(&format!("{name}.conf"));
                let args = vec!["-D".into(), "-f".into(), file];
                (name, "/usr/sbin/lighttpd", args)
            }
            Front::Caddy(_) => {
                let name = format!("caddy{number}");
                let args = ["run", "--adapter", "caddyfile", "--config", &at(&name)];
                (name, "/usr/bin/caddy", args.map(str::to_owned).into())
            }
            Front::Varnish => {
                let name = format!("varnish{number}");
                let (vcl, dir) = (at(&format!("{name}.vcl")), at(&name));
                let mut args = vec!["-F", "-a", &listen, "-f", &vcl, "-n", &dir, "-j", "none"];
                args.extend([
                    "-s",
                    "malloc,8m",
                    "-p",
                    "default_ttl=0",
                    "-p",
                    "default_grace=0",
                ]);
                let args = args.into_iter().map(str::to_owned).collect();
                (name, "/usr/sbin/varnishd", args)
            }
            _ => return,
        };
        self.run(&name, program, &args);
    }

    /// Each in a process group of its own, so that all of it ends.
    fn run(&mut self, name: &str, program: &str, args: &[String]) {
        let log = fs::File::create(self.dir.join(format!("{name}.log"))).expect("a log");
        let child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{program} (scripts/install soak): {error}"));
        self.children.push((name.to_owned(), child));
    }

    fn signal(&self, name: &str, which: &str) {
        let found = self.children.iter().find(|(other, _)| other == name);
        let pid = found.and_then(|(_, child)| child.id()).expect("running");
        signal(which, pid);
    }

    /// All of it breaks.
    pub async fn break_everything(&self) {
        let mut modes = Map::new();
        for (number, case) in CASES.iter().enumerate() {
            let (front, back) = self.ports[number];
            let port = if matches!(case.front, Front::Node) {
                front
            } else {
                back
            };
            match case.then {
                Then::Back(mode) => {
                    modes.insert(port.to_string(), json!(mode));
                }
                Then::Write(file, text) => {
                    fs::write(self.root(number).join(file), text).expect("written")
                }
                Then::Remove(file) => {
                    fs::remove_file(self.root(number).join(file)).expect("removed")
                }
                Then::Kill => self.signal(&format!("alone{number}"), "-KILL"),
                Then::Freeze => self.signal(&format!("alone{number}"), "-STOP"),
                Then::PhpEnds => {}
                Then::PhpBusy => {
                    let sleeps = format!("http://127.0.0.1:{front}/sleep.php");
                    tokio::spawn(async move { reqwest::get(sleeps).await });
                }
                // The one look that the limit lets through.
                Then::Config(body) if body.contains("limit_req") => {
                    let taken = format!("http://127.0.0.1:{front}/");
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                        reqwest::get(taken).await
                    });
                }
                Then::Config(_) => {}
            }
        }
        self.signal("php", "-QUIT");
        let new = self.dir.join("modes.new");
        fs::write(&new, Value::Object(modes).to_string()).expect("written");
        fs::rename(new, self.dir.join("modes.json")).expect("in one step");
        self.write_configurations(true);
        self.signal_one("nginx", "-HUP");
        // A reload takes a moment, and PHP asks every two seconds whether a file is another one.
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    /// The first process of a group alone.
    fn signal_one(&self, name: &str, which: &str) {
        let found = self.children.iter().find(|(other, _)| other == name);
        let pid = found.and_then(|(_, child)| child.id()).expect("running");
        let _sent = std::process::Command::new("kill")
            .args([which, &pid.to_string()])
            .status();
    }

    /// Where the root of the certificates is.
    pub fn roots(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }
}

fn nginx_server(case: &Case, well: &str, broken: bool) -> String {
    let body = match case.then {
        Then::Config(body) if broken => body,
        _ => well,
    };
    let (tls, body) = match body {
        "ssl" => (
            true,
            "ssl_certificate {dir}/good.pem; ssl_certificate_key {dir}/key.pem; root {root};",
        ),
        "plain" => (false, "root {root}; index index.html;"),
        body => (case.tls, body),
    };
    let ssl = if tls { " ssl" } else { "" };
    format!("server {{ listen 127.0.0.1:{{front}}{ssl}; listen [::1]:{{front}}{ssl}; {body} }}\n")
}

/// Two for each case, all different.
fn free_ports() -> Vec<(u16, u16)> {
    CASES.iter().map(|_| (free_port(), free_port())).collect()
}

/// Takes no connection, and its queue of one is full (the kernel then drops what asks for one).
fn deaf() -> (u16, Vec<OwnedFd>) {
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket
        .bind("127.0.0.1:0".parse().expect("an address"))
        .expect("bound");
    let listener = socket
        .listen(1)
        .expect("it listens")
        .into_std()
        .expect("a socket");
    let at = listener.local_addr().expect("an address");
    let mut kept = vec![OwnedFd::from(listener)];
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&at, Duration::from_millis(300)) {
        kept.push(stream.into());
    }
    (at.port(), kept)
}

fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

fn pool(name: &str, children: u8) -> String {
    format!(
        "[{name}]\nuser = root\ngroup = root\nlisten = {{dir}}/{name}.sock\nlisten.mode = 0666\npm = static\npm.max_children = {children}\n"
    )
}

async fn certificates(dir: &Path) {
    let script = CERTIFICATES.replace("{name}", NAME);
    let done = Command::new("sh")
        .args(["-ec", &script])
        .current_dir(dir)
        .output()
        .await
        .expect("a shell");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
}
