//! What the servers are configured with. `{…}` is filled in by the house.

pub const CERTIFICATES: &str = "\
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem -subj '/CN=A root of a story' -days 30
openssl ecparam -genkey -name prime256v1 -noout -out key.pem
leaf() { openssl req -new -key key.pem -subj \"/CN=$1\" -addext \"subjectAltName=DNS:$1\" -out leaf.csr
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -copy_extensions copy -days \"$2\" -out \"$3\"; }
leaf {name} 30 good.pem
leaf {name} 0 expired.pem
leaf other.localhost 30 other.pem
openssl req -x509 -key key.pem -subj /CN={name} -addext subjectAltName=DNS:{name} -days 30 -out own.pem
";

pub const NGINX: &str = "\
daemon off; user root; worker_processes 1; pid {dir}/{name}.pid; error_log {dir}/{name}-error.log;
events { worker_connections 512; }
http {
limit_req_zone $binary_remote_addr zone=one:1m rate=1r/m;
access_log off; server_names_hash_bucket_size 128;
client_body_temp_path {dir}/{name}-body; proxy_temp_path {dir}/{name}-proxy; fastcgi_temp_path {dir}/{name}-fastcgi;
uwsgi_temp_path {dir}/{name}-uwsgi; scgi_temp_path {dir}/{name}-scgi;
{servers}
}
";

pub const TWO: &str = "\
upstream two { server 127.0.0.1:{back}; server localhost:{back}; }
upstream two_dead { server 127.0.0.1:1; server 127.0.0.1:2; }
";

pub const LIGHTTPD: &str = "\
server.modules = ( \"mod_proxy\" )
server.document-root = \"{root}\"
server.bind = \"127.0.0.1\"
server.port = {front}
proxy.server = ( \"\" => (( \"host\" => \"127.0.0.1\", \"port\" => {back}, \"read-timeout\" => 2 )) )
";

pub const CADDY: &str = "\
{
admin off
storage file_system {dir}/caddy-data
}
http://127.0.0.1:{front} {
bind 127.0.0.1
reverse_proxy 127.0.0.1:{back} {
{more}
}
}
";

pub const APACHE: &str = "\
ServerName shop.localhost
PidFile {dir}/apache.pid
ErrorLog {dir}/apache-error.log
DefaultRuntimeDir {dir}
Mutex file:{dir} default
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
LoadModule proxy_fcgi_module /usr/lib/apache2/modules/mod_proxy_fcgi.so
User www-data
Group www-data
ServerTokens OS
ServerSignature On
DirectoryIndex index.html
";

pub const HAPROXY: &str = "\
defaults
mode http
timeout connect 1s
timeout client 30s
timeout server 30s
";

pub const PHP: &str = "\
[global]
error_log = {dir}/php.log
";
