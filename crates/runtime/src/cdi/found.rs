//! NVIDIA's devices on a machine whose driver has no description of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Catalog;
use super::spec::{Edits, Hook, Mount, Node};

/// Administration tools are often missing from an ordinary user's PATH under sudo.
const TOOLS: &str = "/usr/sbin:/sbin:/usr/bin:/bin";

/// How the names of NVIDIA's devices begin.
pub(super) const KIND: &str = "nvidia.com/gpu=";

/// Nodes that every GPU needs, where they exist.
const COMMON: [&str; 4] = [
    "nvidiactl",
    "nvidia-uvm",
    "nvidia-uvm-tools",
    "nvidia-modeset",
];

/// The driver's libraries: they must be of the version of the kernel module and cannot come with
/// an image.
const LIBRARIES: [&str; 9] = [
    "libcuda.so",
    "libcudadebugger.so",
    "libnvcuvid.so",
    "libnvidia-encode.so",
    "libnvidia-gpucomp.so",
    "libnvidia-ml.so",
    "libnvidia-nvvm.so",
    "libnvidia-opencl.so",
    "libnvidia-ptxjitcompiler.so",
];

/// The driver's programs.
const PROGRAMS: [&str; 2] = ["/usr/bin/nvidia-smi", "/usr/bin/nvidia-debugdump"];

/// Where the driver tells of its GPUs.
pub(super) const DRIVER: &str = "/proc/driver/nvidia/gpus";

/// Has the driver's own tool make the nodes that appear only when CUDA is first used: a pod cannot
/// make them.
pub(super) fn prepare() {
    if !Path::new(DRIVER).exists() || Path::new("/dev/nvidia-uvm").exists() {
        return;
    }
    let made = Command::new("nvidia-modprobe")
        .args(["-u", "-c=0"])
        .env("PATH", TOOLS)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        tracing::warn!("nvidia-modprobe could not make /dev/nvidia-uvm; CUDA may not work in pods");
    }
}

/// Looks for GPUs under `dev` and describes them as the driver would; `driver` tells their ids.
pub(super) fn nvidia(dev: &Path, driver: &Path) -> Catalog {
    let mut gpus: Vec<u32> = fs::read_dir(dev)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            entry
                .file_name()
                .to_str()?
                .strip_prefix("nvidia")?
                .parse()
                .ok()
        })
        .collect();
    gpus.sort_unstable();
    if gpus.is_empty() {
        return Catalog::default();
    }
    let node = |name: &str| Node {
        path: dev.join(name),
        host_path: None,
    };
    let listed = Command::new("ldconfig")
        .arg("-p")
        .env("PATH", TOOLS)
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    let programs = PROGRAMS
        .map(PathBuf::from)
        .into_iter()
        .filter(|path| path.exists());
    let libraries = libraries(&listed);
    let common = Edits {
        hooks: known_to_loader(&libraries),
        device_nodes: COMMON
            .iter()
            .filter(|name| dev.join(name).exists())
            .map(|name| node(name))
            .collect(),
        mounts: libraries
            .into_iter()
            .chain(programs)
            .map(|path| Mount {
                host_path: path.clone(),
                container_path: path,
            })
            .collect(),
        ..Edits::default()
    };
    let ids = ids(driver);
    let devices: BTreeMap<_, _> = gpus
        .into_iter()
        .flat_map(|gpu| {
            let own = Edits {
                device_nodes: vec![node(&format!("nvidia{gpu}"))],
                ..Edits::default()
            };
            let id = ids.get(&gpu).cloned();
            let names = [Some(gpu.to_string()), id];
            let common = common.clone();
            let named = names.into_iter().flatten();
            named.map(move |name| (format!("{KIND}{name}"), (common.clone(), own.clone())))
        })
        .collect();
    Catalog { devices }
}

/// Reads which id the GPU of each node has: the driver counts its GPUs in another order than nodes.
fn ids(driver: &Path) -> BTreeMap<u32, String> {
    let entries = fs::read_dir(driver).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path().join("information")).ok()?;
            let field = |name: &str| {
                let mut lines = text.lines().filter_map(|line| line.split_once(':'));
                lines.find_map(|(key, value)| (key.trim() == name).then(|| value.trim().to_owned()))
            };
            Some((field("Device Minor")?.parse().ok()?, field("GPU UUID")?))
        })
        .collect()
}

/// Makes an image of another distribution look where this machine keeps the libraries.
fn known_to_loader(libraries: &[PathBuf]) -> Vec<Hook> {
    let mut folders: Vec<&Path> = libraries.iter().filter_map(|path| path.parent()).collect();
    folders.dedup();
    if folders.is_empty() {
        return Vec::new();
    }
    let options = folders
        .into_iter()
        .flat_map(|folder| ["--folder".to_owned(), folder.display().to_string()]);
    let words = ["nvidia-cdi-hook", "update-ldcache"].map(str::to_owned);
    vec![Hook {
        args: words.into_iter().chain(options).collect(),
    }]
}

/// Picks the driver's libraries for this machine's own architecture out of the loader's list.
fn libraries(listed: &str) -> Vec<PathBuf> {
    let own = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "aarch64" => "AArch64",
        other => other,
    };
    let mut paths: Vec<PathBuf> = listed
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.trim().split_once(' ')?;
            let (kind, path) = rest.split_once(" => ")?;
            let wanted = LIBRARIES.iter().any(|library| name.starts_with(library));
            (wanted && kind.contains(own)).then(|| path.into())
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_are_found_by_their_nodes() {
        let dev = tempfile::tempdir().unwrap();
        for name in ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"] {
            fs::write(dev.path().join(name), "").unwrap();
        }
        let driver = tempfile::tempdir().unwrap();
        for (bus, minor) in [("0000:01:00.0", 1), ("0000:02:00.0", 0)] {
            fs::create_dir(driver.path().join(bus)).unwrap();
            let text = format!(
                "Model: \t\t NVIDIA H200\nGPU UUID: \t GPU-of-{bus}\nDevice Minor: \t {minor}\n"
            );
            fs::write(driver.path().join(bus).join("information"), text).unwrap();
        }
        let catalog = nvidia(dev.path(), driver.path());
        let by_id = catalog.resolve(&["nvidia.com/gpu=GPU-of-0000:01:00.0".to_owned()]);
        assert!(by_id.unwrap().nodes.contains(&dev.path().join("nvidia1")));
        let catalog = nvidia(dev.path(), Path::new("/nowhere"));
        let names: Vec<_> = catalog.names().collect();
        assert_eq!(names, ["nvidia.com/gpu=0", "nvidia.com/gpu=1"]);
        let devices = catalog.resolve(&["nvidia.com/gpu=1".to_owned()]).unwrap();
        let nodes = ["nvidiactl", "nvidia-uvm", "nvidia1"].map(|name| dev.path().join(name));
        assert_eq!(devices.nodes, nodes);
    }

    #[test]
    fn the_loader_is_told_of_every_directory_once() {
        let libraries = [
            "/lib/a/libcuda.so.1",
            "/lib/a/libnvidia-ml.so.1",
            "/opt/b/libx.so",
        ];
        let [hook] = known_to_loader(&libraries.map(PathBuf::from))
            .try_into()
            .unwrap();
        let edits = Edits {
            hooks: vec![hook],
            ..Edits::default()
        };
        let mut devices = crate::cdi::Devices::default();
        edits.apply("x", &mut devices).unwrap();
        assert_eq!(
            devices.library_dirs,
            ["/lib/a", "/opt/b"].map(PathBuf::from)
        );
    }

    #[test]
    fn a_machine_without_gpus_has_none() {
        let dev = tempfile::tempdir().unwrap();
        fs::write(dev.path().join("nvidiactl"), "").unwrap();
        assert_eq!(nvidia(dev.path(), dev.path()).names().count(), 0);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn libraries_of_this_architecture_are_picked() {
        let listed = "2 libs found in cache\n\
            \tlibcuda.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libcuda.so.1\n\
            \tlibcuda.so.1 (libc6) => /lib/i386-linux-gnu/libcuda.so.1\n\
            \tlibc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6\n";
        assert_eq!(
            libraries(listed),
            [PathBuf::from("/lib/x86_64-linux-gnu/libcuda.so.1")]
        );
    }
}
