//! A folder of its own for a story or a browser, which goes with them unless the story fails.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

/// What a failed story left is kept this long for whoever reads it.
const KEPT: Duration = Duration::from_secs(2 * 3_600);
const PREFIX: &str = "watchbell-story-";

/// A folder that is removed when it is dropped; a story that fails leaves it, with its logs.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Makes one.
    pub fn new() -> Self {
        static SWEPT: Once = Once::new();
        SWEPT.call_once(sweep);
        let name = format!("{PREFIX}{}", uuid::Uuid::now_v7().simple());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // A process that was just killed may still be ending: once more, if it wrote meanwhile.
            let _ = std::fs::remove_dir_all(&self.0).or_else(|_| std::fs::remove_dir_all(&self.0));
        }
    }
}

/// Removes what stories left that failed, or were killed, a good while ago.
fn sweep() {
    let entries = std::fs::read_dir(std::env::temp_dir())
        .into_iter()
        .flatten();
    for entry in entries.flatten() {
        let old = entry
            .metadata()
            .and_then(|about| about.modified())
            .ok()
            .and_then(|changed| changed.elapsed().ok())
            .is_some_and(|age| age > KEPT);
        if old && entry.file_name().to_string_lossy().starts_with(PREFIX) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[test]
fn a_folder_goes_with_its_story() {
    let folder = Folder::new();
    let path = folder.to_path_buf();
    std::fs::write(folder.join("serve.log"), "x").unwrap();
    assert!(path.exists());
    drop(folder);
    assert!(!path.exists());
}
