//! The sources: which files there are, and Rust files parsed.

use crate::Finding;
use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use syn::visit_mut::VisitMut;

/// A text file of the tree.
#[derive(Debug, Clone)]
pub struct TextFile {
    /// Its path, relative to the workspace's root, with `/` between the parts.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// A Rust file, parsed.
pub struct RustFile {
    /// Its path, relative to the workspace's root.
    pub path: String,
    /// What it says.
    pub text: String,
    /// All of it, tests included.
    pub syntax: syn::File,
    product: OnceCell<syn::File>,
}

/// Every file that the rules look at.
pub struct Tree {
    /// The Rust files.
    pub rust: Vec<RustFile>,
    /// All text files, the Rust files among them.
    pub text: Vec<TextFile>,
}

/// What holds nothing of ours; in a second work tree of a repository, `.git` is a file.
const SKIPPED: &[&str] = &[
    "target",
    ".git",
    ".venv",
    ".test",
    "node_modules",
    "__pycache__",
];

/// Why the tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A file or directory could not be read.
    #[error("cannot read {path}: {error}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A Rust file does not parse.
    #[error("{0}")]
    Parse(Finding),
}

impl Tree {
    /// Reads every text file under `root`, and parses those of Rust.
    pub fn read(root: &Path) -> Result<Self, TreeError> {
        let text = TextFile::read_all(root)?;
        let rust = text
            .iter()
            .filter(|file| file.path.ends_with(".rs"))
            .map(|file| RustFile::parse(&file.path, &file.text).map_err(TreeError::Parse))
            .collect::<Result<_, _>>()?;
        Ok(Self { rust, text })
    }

    /// Returns the text of one file.
    pub fn file(&self, path: &str) -> Option<&TextFile> {
        self.text.iter().find(|file| file.path == path)
    }
}

impl TextFile {
    /// Reads every text file under `root`; files that are not UTF-8 are left out.
    pub fn read_all(root: &Path) -> Result<Vec<Self>, TreeError> {
        let mut files = Vec::new();
        walk(root, root, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Tells whether this is a file of tests alone.
    pub fn is_test(&self) -> bool {
        is_test_file(&self.path)
    }
}

impl RustFile {
    /// Parses a file's text.
    pub fn parse(path: &str, text: &str) -> Result<Self, Finding> {
        let syntax = syn::parse_file(text).map_err(|error| {
            let line = error.span().start().line;
            Finding::new(
                path,
                line,
                format!("this does not parse: {error}"),
                "Mend the syntax",
            )
        })?;
        Ok(Self {
            path: path.to_owned(),
            text: text.to_owned(),
            syntax,
            product: OnceCell::new(),
        })
    }

    /// Returns what reaches users: without `#[cfg(test)]` items, and nothing of a file of tests.
    pub fn product(&self) -> &syn::File {
        self.product.get_or_init(|| {
            let mut product = self.syntax.clone();
            if is_test_file(&self.path) {
                product.items.clear();
            } else {
                WithoutTests.visit_file_mut(&mut product);
            }
            product
        })
    }
}

fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| part == "tests") || path.ends_with("/tests.rs")
}

struct WithoutTests;

impl VisitMut for WithoutTests {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(|item| !is_test_item(item));
        syn::visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(|item| !is_test_item(item));
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
    }
}

fn is_test_item(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(module) => &module.attrs,
        syn::Item::Fn(function) => &function.attrs,
        syn::Item::Use(import) => &import.attrs,
        syn::Item::Impl(block) => &block.attrs,
        syn::Item::Const(constant) => &constant.attrs,
        syn::Item::Struct(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(is_test_attribute)
}

fn is_test_attribute(attribute: &syn::Attribute) -> bool {
    if !attribute.path().is_ident("cfg") {
        return attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "test");
    }
    attribute
        .parse_args::<syn::Ident>()
        .is_ok_and(|ident| ident == "test")
}

fn walk(root: &Path, directory: &Path, files: &mut Vec<TextFile>) -> Result<(), TreeError> {
    let failed = |path: &Path, error| TreeError::Read {
        path: path.to_owned(),
        error,
    };
    for entry in std::fs::read_dir(directory).map_err(|error| failed(directory, error))? {
        let entry = entry.map_err(|error| failed(directory, error))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| failed(&path, error))?;
        let name = entry.file_name();
        if SKIPPED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if kind.is_dir() {
            walk(root, &path, files)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).map_err(|error| failed(&path, error))?;
            // A picture or an archive is no text, and no rule is about it.
            if let Ok(text) = String::from_utf8(bytes) {
                let relative = path.strip_prefix(root).unwrap_or(&path);
                files.push(TextFile {
                    path: relative.display().to_string(),
                    text,
                });
            }
        }
    }
    Ok(())
}
