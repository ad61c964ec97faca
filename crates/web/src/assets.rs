//! Static files, embedded in the binary and served under names that carry the hash of their content,
//! so that browsers may keep them for ever.
//!
//! `url("css/app.css")` is `/static/app.1a2b3c4d5e6f.css`. To add a file, put it under `static/`; file
//! names are unique across folders. A module imports another by its plain name (`./live.js`): the
//! names inside scripts and styles are rewritten when the table is made. The style sheets are written
//! apart by purpose and served as one file, in the order of [`STYLES`].

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use rust_embed::RustEmbed;

use crate::error::{PageError, PageResult};

#[derive(RustEmbed)]
#[folder = "../../static"]
struct Files;

/// What `css/app.css` is made of, in this order: later ones win over earlier ones.
const STYLES: [&str; 7] = [
    "css/base.css",
    "css/frame.css",
    "css/controls.css",
    "css/content.css",
    "css/charts.css",
    "css/pages.css",
    "css/media.css",
];

struct Asset {
    body: Bytes,
    kind: &'static str,
}

struct Table {
    /// From `css/app.css` to `app.<hash>.css`.
    names: HashMap<String, String>,
    /// From the hashed name to the file.
    files: HashMap<String, Asset>,
}

static TABLE: LazyLock<Table> = LazyLock::new(build);

fn build() -> Table {
    let paths: Vec<String> = Files::iter()
        .map(|path| path.into_owned())
        .filter(|path| !hidden(path))
        .collect();
    let mut table = Table {
        names: HashMap::new(),
        files: HashMap::new(),
    };
    // What others name comes first, so that its hashed name is known: pictures, then styles, then
    // scripts in the order of their imports.
    let (scripts, others): (Vec<String>, Vec<String>) =
        paths.into_iter().partition(|path| path.ends_with(".js"));
    for path in others.iter().filter(|path| !path.ends_with(".css")) {
        add(&mut table, path, read(path));
    }
    let style: Vec<u8> = STYLES.into_iter().flat_map(read).collect();
    let style = rewrite(&style, &table.names);
    add(&mut table, "css/app.css", style);
    let mut waiting = scripts;
    while !waiting.is_empty() {
        let (ready, rest): (Vec<String>, Vec<String>) = waiting
            .iter()
            .cloned()
            .partition(|path| !imports_any(&read(path), path, &waiting));
        // A circle of imports cannot be hashed; its members keep the names they have.
        let (ready, rest) = if ready.is_empty() {
            (rest, Vec::new())
        } else {
            (ready, rest)
        };
        for path in ready {
            let body = rewrite(&read(&path), &table.names);
            add(&mut table, &path, body);
        }
        waiting = rest;
    }
    table
}

fn hidden(path: &str) -> bool {
    path.rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with('.'))
}

fn read(path: &str) -> Vec<u8> {
    Files::get(path)
        .map(|file| file.data.into_owned())
        .unwrap_or_default()
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn imports_any(body: &[u8], own: &str, waiting: &[String]) -> bool {
    let text = String::from_utf8_lossy(body);
    waiting
        .iter()
        .any(|path| path != own && text.contains(&format!("\"./{}\"", file_name(path))))
}

/// Puts hashed names where a file names another: `"./live.js"` in scripts, `url(/static/x.svg)` in styles.
fn rewrite(body: &[u8], names: &HashMap<String, String>) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for (path, hashed) in names {
        let name = file_name(path);
        text = text.replace(&format!("\"./{name}\""), &format!("\"./{hashed}\""));
        text = text.replace(&format!("/static/{name}"), &format!("/static/{hashed}"));
    }
    text.into_bytes()
}

fn add(table: &mut Table, path: &str, body: Vec<u8>) {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
    let hash = hex::encode(&digest.as_ref()[..6]);
    let name = file_name(path);
    let hashed = match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{name}.{hash}"),
    };
    table.names.insert(path.to_owned(), hashed.clone());
    table.files.insert(
        hashed,
        Asset {
            body: body.into(),
            kind: kind(name),
        },
    );
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "txt" => "text/plain; charset=utf-8",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}

/// The address of a file under `static/`. A file that is not there is a plain 404 in the browser, and
/// an error in the log.
pub fn url(path: &str) -> String {
    match TABLE.names.get(path) {
        Some(name) => format!("/static/{name}"),
        None => {
            tracing::error!(path, "a template names a static file that does not exist");
            format!("/static/{}", file_name(path))
        }
    }
}

/// A file by its hashed name.
pub async fn serve(Path(file): Path<String>) -> PageResult {
    let asset = TABLE.files.get(&file).ok_or(PageError::NotFound)?;
    Ok(answer(asset, "public, max-age=31536000, immutable"))
}

fn answer(asset: &Asset, cache: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
    ];
    (headers, asset.body.clone()).into_response()
}

/// The bell, for browsers that ask without being told.
pub async fn favicon() -> PageResult {
    let name = TABLE
        .names
        .get("icons/favicon.svg")
        .ok_or(PageError::NotFound)?;
    let asset = TABLE.files.get(name).ok_or(PageError::NotFound)?;
    Ok(answer(asset, "public, max-age=86400"))
}

/// What robots may read: everything that says nothing of anybody.
pub async fn robots() -> &'static str {
    "User-agent: *\nDisallow: /a/\nDisallow: /i/\nDisallow: /m/\nDisallow: /g/\nDisallow: /practice/\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_sheet_is_part_of_the_one_that_is_served() {
        let mut written: Vec<_> = Files::iter()
            .filter(|path| path.ends_with(".css"))
            .collect();
        written.sort();
        let mut served = STYLES;
        served.sort_unstable();
        assert_eq!(written, served);
    }
}
