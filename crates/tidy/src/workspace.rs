//! The workspace as cargo sees it, cut down to what the rules ask about.

use cargo_metadata::{DependencyKind, MetadataCommand};
use std::path::Path;

/// One crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its package name.
    pub name: String,
    /// Its manifest, relative to the workspace's root.
    pub manifest: String,
    /// The manifest's text.
    pub manifest_text: String,
    /// Everything it depends on directly.
    pub dependencies: Vec<Dependency>,
}

/// A direct dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package's name, whatever it is renamed to.
    pub name: String,
    /// What it is needed for.
    pub kind: Kind,
}

/// What a dependency is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The product.
    Normal,
    /// A build script.
    Build,
    /// Tests.
    Dev,
}

/// Why the workspace could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Cargo did not answer.
    #[error("cargo metadata failed: {0}")]
    Cargo(#[from] cargo_metadata::Error),
    /// A manifest could not be read.
    #[error("cannot read a manifest: {0}")]
    Read(#[from] std::io::Error),
}

/// Asks cargo for every crate of the workspace at `root`.
pub fn members(root: &Path) -> Result<Vec<Member>, WorkspaceError> {
    // Without the outside crates cargo needs neither the network nor the lock file.
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()?;
    metadata
        .packages
        .iter()
        .map(|package| member(root, package))
        .collect()
}

fn member(root: &Path, package: &cargo_metadata::Package) -> Result<Member, WorkspaceError> {
    let path = package.manifest_path.as_std_path();
    let manifest = path
        .strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string();
    let dependencies = package
        .dependencies
        .iter()
        .map(|dependency| Dependency {
            name: dependency.name.clone(),
            kind: kind(dependency.kind),
        })
        .collect();
    Ok(Member {
        name: package.name.to_string(),
        manifest,
        manifest_text: std::fs::read_to_string(path)?,
        dependencies,
    })
}

fn kind(kind: DependencyKind) -> Kind {
    match kind {
        DependencyKind::Development => Kind::Dev,
        DependencyKind::Build => Kind::Build,
        // The enum is open; whatever cargo adds is held to the strictest rule.
        _ => Kind::Normal,
    }
}
