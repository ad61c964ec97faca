//! What stands where a look goes.

use std::any::Any;
use std::sync::Arc;

use domain::target::AddressPolicy;
use egress::Egress;
use rustls::ServerConfig;
use tokio::net::UdpSocket;

use crate::datagram::Datagrams;
use crate::dns::{Answer, FakeDns};
use crate::way_out::with_policy;
use crate::{Ca, Flaw, Script, Server, blackhole, refused};

/// What stands where a look goes. The name `shop.example` leads to this machine unless
/// [`Stage::Names`] says otherwise.
pub enum Stage {
    /// A port on which nothing listens.
    Closed,
    /// A port that drops connection attempts.
    Blackhole,
    /// A DNS server that answers so; its port is that of the stage.
    Names(Vec<(&'static str, Answer)>),
    /// A DNS server that never answers.
    SilentNames,
    /// A server that plays this on each connection.
    Plain(Script),
    /// The same with a script for the nth connection.
    Each(fn(usize) -> Script),
    /// A server with this certificate and these application protocols.
    Secure(Flaw, &'static [&'static str], Script),
    /// A server with a configuration of its own.
    Tls(fn(&Ca) -> Arc<ServerConfig>, Script),
    /// A server that talks in the clear before it shakes hands.
    Starttls(Script, Flaw, Script),
    /// A UDP port that answers so, or not at all.
    Datagrams(Option<&'static [u8]>),
    /// The RDAP server of the top-level domain `example`.
    Registry(Script),
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stage")
    }
}

/// A stage that stands.
pub(super) struct Built {
    pub(super) port: u16,
    pub(super) egress: Egress,
    pub(super) registries: Option<String>,
    _standing: Vec<Box<dyn Any + Send>>,
}

impl Stage {
    pub(super) async fn build(self, policy: AddressPolicy) -> Built {
        let ca = Ca::default();
        let dns = FakeDns::start().await;
        dns.set_loopback("shop.example");
        let mut resolver = dns.address();
        let mut registries = None;
        let (port, standing): (u16, Box<dyn Any + Send>) = match self {
            Self::Closed => (refused().port(), Box::new(())),
            Self::Blackhole => {
                let hole = blackhole().await;
                (hole.address().port(), Box::new(hole))
            }
            Self::Names(names) => {
                for (name, answer) in names {
                    dns.set(name, answer);
                }
                (resolver.port(), Box::new(()))
            }
            Self::SilentNames => {
                let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
                resolver = silent.local_addr().expect("an address");
                (resolver.port(), Box::new(silent))
            }
            Self::Datagrams(answer) => {
                let server = Datagrams::start(move |_, _| answer.map(<[u8]>::to_vec)).await;
                (server.port(), Box::new(server))
            }
            stream => {
                let is_registry = matches!(stream, Self::Registry(_));
                let server = stream.serve(&ca).await;
                registries = is_registry.then(|| registry_list(server.port()));
                (server.port(), Box::new(server))
            }
        };
        Built {
            port,
            egress: with_policy(policy, Some(resolver), Some(&ca)),
            registries,
            _standing: vec![Box::new(dns), standing],
        }
    }

    async fn serve(self, ca: &Ca) -> Server {
        match self {
            Self::Each(script) => Server::each(script).await,
            Self::Secure(flaw, alpn, script) => {
                let config = ca.server_with(flaw, alpn, |config| config);
                Server::tls(config, script).await
            }
            Self::Tls(config, script) => Server::tls(config(ca), script).await,
            Self::Starttls(lead, flaw, script) => {
                Server::starttls(lead, ca.server(flaw), script).await
            }
            Self::Registry(script) => Server::tls(ca.server(Flaw::None), script).await,
            Self::Plain(script) => Server::plain(script).await,
            Self::Closed
            | Self::Blackhole
            | Self::Names(_)
            | Self::SilentNames
            | Self::Datagrams(_) => Server::plain(Script::close()).await,
        }
    }
}

fn registry_list(port: u16) -> String {
    format!(r#"{{"services": [[["example"], ["https://localhost:{port}/"]]]}}"#)
}
