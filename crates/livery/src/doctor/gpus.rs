//! GPUs and their driver.

use super::caller::Caller;
use super::{Finding, read};
use std::path::Path;

const NAME: &str = "GPUs";

pub(super) fn gpus(caller: Caller) -> Finding {
    let on_bus = nvidia_on_bus();
    let driver = read("/proc/driver/nvidia/version");
    let nodes = (0..64)
        .filter(|n| Path::new(&format!("/dev/nvidia{n}")).exists())
        .count();
    let spec = ["/etc/cdi", "/var/run/cdi"]
        .iter()
        .any(|dir| has_nvidia_spec(Path::new(dir)));
    match (on_bus, driver) {
        (0, None) => Finding::good(NAME, "none: this is offered as a CPU machine"),
        (found, None) => Finding::limited(
            NAME,
            format!("{found} NVIDIA GPUs on the bus, and no driver"),
            caller.task("install NVIDIA's driver (Debian: `nvidia-driver`, Ubuntu: `ubuntu-drivers install`) and restart"),
        ),
        (_, Some(_)) if nodes == 0 => Finding::limited(
            NAME,
            "a driver, and no /dev/nvidia0",
            caller.command("nvidia-modprobe -c 0 -u"),
        ),
        (_, Some(driver)) => {
            let version = version(&driver);
            let by = if spec {
                "given to pods by their CDI spec"
            } else {
                "given to pods by their device nodes"
            };
            Finding::good(NAME, format!("{nodes} with driver {version}, {by}"))
        }
    }
}

/// Counts display devices of NVIDIA's.
fn nvidia_on_bus() -> usize {
    let Ok(devices) = std::fs::read_dir("/sys/bus/pci/devices") else {
        return 0;
    };
    let is_gpu = |path: &Path| {
        let part = |name: &str| std::fs::read_to_string(path.join(name)).unwrap_or_default();
        part("vendor").trim() == "0x10de" && part("class").starts_with("0x03")
    };
    devices
        .flatten()
        .filter(|device| is_gpu(&device.path()))
        .count()
}

fn version(driver: &str) -> String {
    let words = driver.lines().next().unwrap_or_default().split_whitespace();
    let is_version =
        |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    words
        .into_iter()
        .find(is_version)
        .unwrap_or("of an unknown version")
        .to_owned()
}

fn has_nvidia_spec(dir: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return false;
    };
    let mut names = entries.flatten().map(|entry| entry.file_name());
    names.any(|name| name.to_string_lossy().contains("nvidia"))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn the_version_is_read_from_the_drivers_own_words() {
        let text = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024";
        assert_eq!(version(text), "550.54.15");
    }
}
