//! `/changelog`: the project's own CHANGELOG.md.

use askama::Template;

use super::listed;
use crate::error::PageResult;
use crate::extract::Visitor;
use crate::view::{Shell, render};

const TEXT: &str = include_str!("../../../../../CHANGELOG.md");

#[derive(Template)]
#[template(path = "public/changelog.html")]
struct ChangelogPage {
    shell: Shell,
    blocks: Vec<Block>,
}

/// A piece of the file. Only what a changelog needs of Markdown is read.
#[derive(Debug, PartialEq, Eq)]
enum Block {
    Version(String),
    Heading(String),
    Items(Vec<String>),
    Paragraph(String),
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if let Some(title) = line.strip_prefix("### ") {
            blocks.push(Block::Heading(title.to_owned()));
        } else if let Some(title) = line.strip_prefix("## ") {
            blocks.push(Block::Version(title.trim_matches(['[', ']']).to_owned()));
        } else if line.starts_with("# ") {
            // The page has its own title.
        } else if let Some(item) = line.strip_prefix("- ") {
            match blocks.last_mut() {
                Some(Block::Items(items)) => items.push(plain(item)),
                _ => blocks.push(Block::Items(vec![plain(item)])),
            }
        } else if line.is_empty() {
            blocks.push(Block::Paragraph(String::new()));
        } else {
            match blocks.last_mut() {
                Some(Block::Items(items)) if line.starts_with("  ") => {
                    if let Some(item) = items.last_mut() {
                        item.push(' ');
                        item.push_str(&plain(line.trim()));
                    }
                }
                Some(Block::Paragraph(text)) => {
                    if !text.is_empty() {
                        text.push(' ');
                    }
                    text.push_str(&plain(line));
                }
                _ => blocks.push(Block::Paragraph(plain(line))),
            }
        }
    }
    blocks.retain(|block| *block != Block::Paragraph(String::new()));
    blocks
}

fn plain(text: &str) -> String {
    text.replace(['`', '*'], "")
}

/// The page.
pub async fn show(visitor: Visitor) -> PageResult {
    let shell = visitor
        .shell("Changelog")
        .section("docs")
        .description("What changed in Watchbell.");
    let page = ChangelogPage {
        shell,
        blocks: blocks(TEXT),
    };
    Ok(listed(render(&page)?, visitor.signed_in.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stay_together() {
        let read = blocks(
            "# Changelog\n\nWhat\nchanged.\n\n## [0.1.0]\n\n### Added\n- one `x`\n  more\n- two\n",
        );
        assert_eq!(
            read,
            [
                Block::Paragraph("What changed.".into()),
                Block::Version("0.1.0".into()),
                Block::Heading("Added".into()),
                Block::Items(vec!["one x more".into(), "two".into()]),
            ]
        );
    }
}
