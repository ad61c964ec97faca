//! Debian's Postfix with an account, a certificate, greylisting, and mailboxes in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::folder::Folder;
use super::program::free_port;
use super::wait;

const MAIN: &str = "\
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
maillog_file = {dir}/log
maillog_file_prefixes = {dir}
myhostname = mail.shop.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtpd_tls_cert_file = {dir}/etc/cert.pem
smtpd_tls_key_file = {dir}/etc/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = shop.example
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, check_policy_service inet:127.0.0.1:{grey}, \
permit_sasl_authenticated, reject
virtual_mailbox_domains = shop.example
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = hash:{dir}/etc/boxes
virtual_minimum_uid = 1
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
transport_maps = inline:{ { gone.example = farther:nowhere } }
";

const MASTER: &str = "\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
farther unix - n n - - pipe
  user=nobody argv=/bin/sh {dir}/etc/farther
";

const SASL: &str = "\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {dir}/logins
mech_list: PLAIN LOGIN
";

/// The host behind: it takes nothing for anybody.
const FARTHER: &str = "echo 5.1.1 nobody lives here; exit 67\n";

const PASSWORD: &str = "a relay's password";

/// A running mail server; it ends with this.
pub struct Postfix {
    dir: Folder,
    port: u16,
    _grey: Child,
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ended = std::process::Command::new("postfix")
            .arg("-c")
            .arg(self.dir.join("etc"))
            .arg("stop")
            .status();
    }
}

impl Postfix {
    /// Starts one where `boxes` of `shop.example` are; a first mail from somebody new waits `delay`.
    pub async fn start(boxes: &[&str], delay: Duration) -> Self {
        let dir = Folder::new();
        let (port, grey) = (free_port(), free_port());
        let fill = |text: &str| {
            text.replace("{dir}", &dir.display().to_string())
                .replace("{port}", &port.to_string())
                .replace("{grey}", &grey.to_string())
        };
        for folder in ["etc/sasl", "queue", "data", "mail", "grey"] {
            fs::create_dir_all(dir.join(folder)).expect("a folder");
        }
        for (file, text) in [
            ("etc/main.cf", MAIN),
            ("etc/master.cf", MASTER),
            ("etc/sasl/smtpd.conf", SASL),
            ("etc/farther", FARTHER),
        ] {
            fs::write(dir.join(file), fill(text)).expect("written");
        }
        certificate(&dir).await;
        let etc = dir.join("etc");
        shell(&format!(
            "chown postfix '{d}/data' && chown 65534:65534 '{d}/mail' && chown postgrey '{d}/grey' && \
             printf %s \"$PASSWORD\" | saslpasswd2 -p -c -f '{d}/logins' -u shop.example watchbell && \
             chown postfix '{d}/logins'",
            d = dir.display()
        ))
        .await;
        let greylist = Command::new("postgrey")
            .arg(format!("--inet=127.0.0.1:{grey}"))
            .arg(format!("--delay={}", delay.as_secs()))
            .arg(format!("--dbdir={}", dir.join("grey").display()))
            .args([
                "--user=postgrey",
                "--group=postgrey",
                "--auto-whitelist-clients=0",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("postgrey starts");
        let server = Self {
            dir,
            port,
            _grey: greylist,
        };
        server.set_boxes(boxes).await;
        shell(&format!("postfix -c '{}' start", etc.display())).await;
        for listening in [port, grey] {
            wait::until("a listener", Duration::from_secs(20), async || {
                tokio::net::TcpStream::connect(("127.0.0.1", listening))
                    .await
                    .ok()
            })
            .await;
        }
        server
    }

    /// The value of WATCHBELL_SMTP_URL: STARTTLS and a login.
    pub fn url(&self) -> String {
        let password = PASSWORD.replace(' ', "%20").replace('\'', "%27");
        format!(
            "smtp://watchbell%40shop.example:{password}@localhost:{}",
            self.port
        )
    }

    /// Its certificate, for WATCHBELL_TLS_ROOTS.
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("etc/cert.pem")
    }

    /// From now on these mailboxes exist, and no other.
    pub async fn set_boxes(&self, boxes: &[&str]) {
        let table: String = boxes
            .iter()
            .map(|name| format!("{name}@shop.example {name}/\n"))
            .collect();
        let path = self.dir.join("etc/boxes");
        fs::write(&path, table).expect("written");
        let etc = self.dir.join("etc");
        shell(&format!(
            "postmap -c '{}' 'hash:{}'",
            etc.display(),
            path.display()
        ))
        .await;
    }

    /// The mails of a mailbox, as they were delivered.
    pub fn mails(&self, name: &str) -> Vec<String> {
        let folder = self.dir.join("mail").join(name).join("new");
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files
            .map(|file| fs::read_to_string(file.path()).expect("a mail"))
            .collect()
    }

    /// Waits for a mail that contains `phrase`.
    pub async fn wait_for(&self, name: &str, phrase: &str) -> String {
        let what = format!("a mail to {name} with \"{phrase}\"");
        wait::until(&what, Duration::from_secs(90), async || {
            self.mails(name)
                .into_iter()
                .find(|mail| mail.contains(phrase))
        })
        .await
    }
}

async fn certificate(dir: &Path) {
    shell(&format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
         -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout '{d}/etc/key.pem' -out '{d}/etc/cert.pem'",
        d = dir.display()
    ))
    .await;
}

async fn shell(script: &str) {
    let output = Command::new("sh")
        .args(["-c", script])
        .env("PASSWORD", PASSWORD)
        .output()
        .await
        .expect("a shell");
    assert!(
        output.status.success(),
        "{script}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
