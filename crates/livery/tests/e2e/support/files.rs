//! Files of jobs: written, described, and compared.

use super::World;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// A job file in the making: the smallest that runs on this machine's own programs, and more.
pub struct Job {
    text: String,
}

impl Job {
    /// A job that runs a script.
    pub fn new(name: &str, run: &str) -> Self {
        Self::on_a_disk_of("256MB", name, run)
    }

    /// The same on a larger disk.
    pub fn on_a_disk_of(size: &str, name: &str, run: &str) -> Self {
        let resources = format!("cpus: 1, memory: 512MB, disk_size: {size}");
        Self::with_resources(&resources, name, run)
    }

    /// The same with other needs.
    pub fn with_resources(resources: &str, name: &str, run: &str) -> Self {
        let text = format!("name: {name}\nresources: {{image_id: host, {resources}}}\n");
        Self { text }.script("run", run)
    }

    /// Adds YAML.
    pub fn with(mut self, yaml: &str) -> Self {
        writeln!(self.text, "{yaml}").unwrap();
        self
    }

    /// Adds a script under a key.
    pub fn script(mut self, key: &str, script: &str) -> Self {
        writeln!(self.text, "{key}: |").unwrap();
        for line in script.lines() {
            writeln!(self.text, "  {line}").unwrap();
        }
        self
    }

    /// Writes it to the directory that commands are run from.
    pub fn write(&self, world: &World) -> &'static str {
        fs::write(world.work().join("job.yaml"), &self.text).unwrap();
        "job.yaml"
    }
}

/// The text that `seq COUNT` prints.
pub fn numbers(count: u32) -> String {
    (1..=count).map(|number| format!("{number}\n")).collect()
}

/// Makes a tree with everything that a transfer must keep: depth, modes, a link, an empty file and
/// directory, and many small files.
pub fn tree_of(dir: &Path, count: u32) {
    fs::create_dir_all(dir.join("deep/er")).unwrap();
    fs::create_dir_all(dir.join("empty")).unwrap();
    fs::write(dir.join("deep/er/large"), numbers(60_000)).unwrap();
    fs::write(dir.join("deep/nothing"), "").unwrap();
    fs::write(dir.join("tool"), "#!/bin/sh\necho from a tool\n").unwrap();
    fs::set_permissions(dir.join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("deep/er/large", dir.join("link")).unwrap();
    for number in 0..count {
        fs::write(
            dir.join(format!("deep/{number}")),
            format!("file {number}\n"),
        )
        .unwrap();
    }
}

/// Describes every file under a directory: what it is, its mode, and what is in it.
pub fn digest(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    add(dir, dir, &mut found);
    found
}

fn add(root: &Path, dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let kind = fs::symlink_metadata(&path).unwrap();
        let what = if kind.is_symlink() {
            format!("link to {}", fs::read_link(&path).unwrap().display())
        } else if kind.is_dir() {
            add(root, &path, found);
            "directory".to_owned()
        } else {
            let bytes = fs::read(&path).unwrap();
            let hash = livery_content::hash_bytes(&bytes);
            format!(
                "{:o} {} bytes {hash}",
                kind.permissions().mode() & 0o777,
                bytes.len()
            )
        };
        found.insert(name, what);
    }
}
