//! Who may import whom, held against what cargo knows.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The table of ARCHITECTURE.md: a crate and the crates of ours that it may import.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("jobs", &["domain"]),
    ("egress", &["domain"]),
    ("probe", &["domain", "egress"]),
    ("incidents", &["domain", "store", "jobs"]),
    (
        "worker",
        &["domain", "store", "jobs", "incidents", "probe", "egress"],
    ),
    (
        "notifier",
        &["domain", "store", "jobs", "incidents", "egress"],
    ),
    ("web", &["domain", "store", "jobs", "incidents"]),
    ("testkit", &["domain", "egress"]),
];

fn imports() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let ours: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package["name"].as_str())
        .collect();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let imports = dependencies
                .iter()
                .filter(|dependency| dependency["kind"].is_null())
                .filter_map(|dependency| dependency["name"].as_str())
                .filter(|name| ours.contains(name))
                .map(str::to_owned)
                .collect();
            (
                package["name"].as_str().expect("a name").to_owned(),
                imports,
            )
        })
        .collect()
}

#[test]
fn every_crate_imports_only_what_its_room_may_know() {
    let imports = imports();
    for (name, allowed) in ALLOWED {
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let extra: Vec<&String> = imports[name].difference(&allowed).collect();
        assert!(extra.is_empty(), "{name} may not import {extra:?}");
    }
    let listed: BTreeSet<&str> = ALLOWED
        .iter()
        .map(|(name, _)| *name)
        .chain(["app", "bench", "stories"])
        .collect();
    let unlisted: Vec<&String> = imports
        .keys()
        .filter(|name| !listed.contains(name.as_str()))
        .collect();
    assert!(unlisted.is_empty(), "add {unlisted:?} to the table");
}
