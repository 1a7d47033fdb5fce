//! What a world could leave on the machine: looking for it, and taking it away after a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The file in a world's directory that holds its disk, if it has one of its own.
pub const DISK_FILE: &str = "disk.img";

/// What the things of one world are known by.
pub struct Traces {
    /// In the command lines, mounts and loop devices of everything of it.
    pub directory: PathBuf,
    /// Where its agent keeps records and disks.
    pub agent_data: PathBuf,
    /// What the names of its interfaces begin with.
    pub interfaces: String,
    /// Its pods.
    pub pods: BTreeSet<String>,
}

impl Traces {
    /// Lists what is there of the world.
    pub fn look(&self) -> Vec<String> {
        let mut found = Vec::new();
        found.extend(
            self.processes()
                .into_iter()
                .map(|(pid, what)| format!("process {pid}: {what}")),
        );
        // A small disk under the control plane's data is the test's own.
        let own = self.directory.join("data").display().to_string();
        let mounts = self.mounts().into_iter().filter(|path| *path != own);
        found.extend(mounts.map(|path| format!("mount {path}")));
        let disk = self.directory.join(DISK_FILE).display().to_string();
        let loops = self.loops().into_iter().filter(|(_, file)| *file != disk);
        found.extend(loops.map(|(name, file)| format!("loop device {name} of {file}")));
        found.extend(
            self.cgroups()
                .into_iter()
                .map(|path| format!("cgroup {}", path.display())),
        );
        found.extend(
            self.links()
                .into_iter()
                .map(|name| format!("interface {name}")),
        );
        found.extend(
            self.tables()
                .into_iter()
                .map(|name| format!("firewall table {name}")),
        );
        found.extend(
            self.files()
                .into_iter()
                .map(|path| format!("file {}", path.display())),
        );
        found
    }

    /// Takes everything away, as well as can be: the test has failed already, or has found nothing.
    pub fn clear_away(&self) {
        // Processes come first, as they hold the rest; those that die may have had children.
        super::watch::look(Duration::from_secs(5), || {
            let processes = self.processes();
            for (pid, _) in &processes {
                let _ = kill_process(*pid, Signal::KILL);
            }
            processes.is_empty().then_some(())
        });
        let cgroups = self.cgroups();
        for path in self.mounts().into_iter().rev() {
            let _ = rustix::mount::unmount(path.as_str(), rustix::mount::UnmountFlags::DETACH);
        }
        for (name, _) in self.loops() {
            quietly("losetup", &["-d", &format!("/dev/{name}")]);
        }
        for name in self.links() {
            quietly("ip", &["link", "delete", &name]);
        }
        for name in self.tables() {
            quietly("nft", &["delete", "table", "inet", &name]);
        }
        for path in cgroups {
            let _ = fs::remove_dir(path);
        }
        let _ = fs::remove_dir_all(&self.directory);
    }

    fn names_it(&self, text: &str) -> bool {
        text.contains(&format!("{}/", self.directory.display()))
            || self.pods.iter().any(|pod| text.contains(pod.as_str()))
    }

    /// Processes that name our directory, or are in a control group of our pods.
    fn processes(&self) -> Vec<(Pid, String)> {
        let own = std::process::id();
        let mut found = Vec::new();
        for entry in list(Path::new("/proc")) {
            let number = entry
                .file_name()
                .and_then(|name| name.to_str()?.parse().ok());
            let Some(number) = number.filter(|number: &u32| *number != own) else {
                continue;
            };
            let read = |file: &str| {
                let text = fs::read(entry.join(file)).unwrap_or_default();
                String::from_utf8_lossy(&text).replace('\0', " ")
            };
            let (line, groups) = (read("cmdline"), read("cgroup"));
            // Our own processes are told where their data is by their environment.
            let is_ours = [&line, &groups, &read("environ")]
                .into_iter()
                .any(|text| self.names_it(text));
            // The dead are waited for by their parents, and hold nothing.
            let is_zombie = read("stat")
                .rsplit(") ")
                .next()
                .is_some_and(|rest| rest.starts_with('Z'));
            if is_ours && !is_zombie {
                let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
                found.extend(pid.map(|pid| (pid, line.trim().to_owned())));
            }
        }
        found
    }

    fn mounts(&self) -> Vec<String> {
        let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let below = format!("{}/", self.directory.display());
        let target = |line: &str| Some(line.split(' ').nth(4)?.to_owned());
        text.lines()
            .filter_map(target)
            .filter(|path| path.starts_with(&below))
            .collect()
    }

    /// Loop devices with the files that they show.
    fn loops(&self) -> Vec<(String, String)> {
        let known = |path: PathBuf| {
            let file = fs::read_to_string(path.join("loop/backing_file")).unwrap_or_default();
            let name = path.file_name()?.to_str()?.to_owned();
            self.names_it(&file).then(|| (name, file.trim().to_owned()))
        };
        list(Path::new("/sys/block"))
            .into_iter()
            .filter_map(known)
            .collect()
    }

    fn cgroups(&self) -> Vec<PathBuf> {
        let root = Path::new("/sys/fs/cgroup");
        let mut pods = self.pods.clone();
        pods.extend(self.pods_on_disk());
        let trees = list(root).into_iter().chain([root.to_owned()]);
        let of_tree = |tree: PathBuf| {
            let group = |pod: &String| tree.join("livery").join(pod);
            pods.iter()
                .map(group)
                .filter(|path| path.exists())
                .collect::<Vec<_>>()
        };
        trees.flat_map(of_tree).collect()
    }

    fn pods_on_disk(&self) -> Vec<String> {
        let name = |path: PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        self.files()
            .into_iter()
            .filter_map(name)
            .filter(|name| name.starts_with("pod_"))
            .collect()
    }

    fn links(&self) -> Vec<String> {
        let prefix = format!("{}-", self.interfaces);
        let name = |path: PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        let all = list(Path::new("/sys/class/net"))
            .into_iter()
            .filter_map(name);
        all.filter(|name| name.starts_with(&prefix)).collect()
    }

    fn tables(&self) -> Vec<String> {
        let name = format!("livery_{}", self.interfaces);
        let out = Command::new("nft").args(["list", "tables"]).output();
        let text = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
        let is_there =
            text.is_ok_and(|text| text.lines().any(|line| line.ends_with(&format!(" {name}"))));
        is_there.then_some(name).into_iter().collect()
    }

    /// Records, disks, address slots and network namespaces of pods, and network volumes.
    fn files(&self) -> Vec<PathBuf> {
        let host = self.agent_data.join("host");
        let places = [
            "pods",
            "runtime/pods",
            "runtime/slots",
            "runtime/volumes",
            "netns",
        ];
        places
            .iter()
            .flat_map(|place| list(&host.join(place)))
            .collect()
    }
}

fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Runs a tool whose failing means that there was nothing to do.
fn quietly(tool: &str, arguments: &[&str]) {
    let command = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let _ = command;
}
