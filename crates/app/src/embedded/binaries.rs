//! Finding installed Postgres binaries.

use std::path::{Path, PathBuf};

/// Oldest version that Watchbell runs on.
pub const OLDEST: u32 = 15;

/// A folder with `initdb` and `postgres` of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    /// The folder.
    pub dir: PathBuf,
    /// Major version.
    pub major: u32,
}

/// The newest installed binaries, or those of version `wanted` when data of it exist.
pub fn find(wanted: Option<u32>, path: Option<&str>) -> Option<Binaries> {
    let mut found: Vec<Binaries> = folders(path)
        .into_iter()
        .filter_map(|dir| inspect(&dir))
        .collect();
    found.retain(|binaries| {
        binaries.major >= OLDEST && wanted.is_none_or(|major| major == binaries.major)
    });
    found.into_iter().max_by_key(|binaries| binaries.major)
}

fn folders(path: Option<&str>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = path
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    for (parent, bin) in [
        ("/usr/lib/postgresql", "bin"),
        ("/usr/local", "bin"),
        ("/opt/postgresql", "bin"),
        ("/usr", "bin"),
    ] {
        let Ok(entries) = std::fs::read_dir(parent) else {
            continue;
        };
        folders.extend(entries.flatten().map(|entry| entry.path().join(bin)));
    }
    folders
}

fn inspect(dir: &Path) -> Option<Binaries> {
    // A link on PATH may point at one program of the version's own folder.
    let postgres = std::fs::canonicalize(dir.join("postgres")).ok()?;
    let dir = postgres.parent()?.to_path_buf();
    if !dir.join("initdb").exists() {
        return None;
    }
    let output = std::process::Command::new(&postgres)
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(Binaries {
        dir,
        major: major(&text)?,
    })
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major(version: &str) -> Option<u32> {
    let number = version
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number
        .split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn versions() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("postgres"), None);
    }
}
