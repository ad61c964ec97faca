//! Postgres refuses to run as root: whom it runs as, and where that user can keep files.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

/// The user that owns and runs the database when we are root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// `postgres`, else `nobody`, when this process is root; else nobody but ourselves.
pub fn when_root() -> Option<Owner> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0);
    if !root {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(
        lookup(&users, "postgres")
            .or_else(|| lookup(&users, "nobody"))
            .unwrap_or(Owner {
                uid: 65534,
                gid: 65534,
            }),
    )
}

fn lookup(users: &str, name: &str) -> Option<Owner> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some(Owner {
        uid: fields.next()?.parse().ok()?,
        gid: fields.next()?.parse().ok()?,
    })
}

/// Gives `path` to the owner.
pub fn give(path: &Path, owner: Option<Owner>) -> std::io::Result<()> {
    match owner {
        Some(owner) => chown(path, Some(owner.uid), Some(owner.gid)),
        None => Ok(()),
    }
}

/// `wanted` if the owner can enter every folder above it, else a folder for it under the system's
/// variable data.
pub fn reachable(wanted: &Path, owner: Option<Owner>) -> PathBuf {
    let Some(owner) = owner else {
        return wanted.to_path_buf();
    };
    let blocked = wanted
        .ancestors()
        .skip(1)
        .filter_map(|dir| std::fs::metadata(dir).ok())
        .any(|meta| {
            let bit = if meta.uid() == owner.uid {
                0o100
            } else if meta.gid() == owner.gid {
                0o010
            } else {
                0o001
            };
            meta.mode() & bit == 0
        });
    if !blocked {
        return wanted.to_path_buf();
    }
    let name: String = wanted
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    Path::new("/var/lib/watchbell").join(name.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let users =
            "root:x:0:0::/root:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(
            lookup(users, "postgres"),
            Some(Owner { uid: 101, gid: 104 })
        );
        assert_eq!(lookup(users, "nobody"), None);
    }
}
