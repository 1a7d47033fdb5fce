//! Pods of image layers: root's files on disk are the pod's root's inside, and nothing is copied.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use livery_runtime::cdi::{Devices, Share};
use livery_runtime::{PodSpec, Rootfs};
use livery_units::Span;

use crate::bench::{Bench, idle_pod};

const PROGRAMS: [&str; 8] = ["sh", "cat", "ls", "stat", "rm", "id", "mkdir", "chown"];

/// Makes two layers: a small system, and one that takes a file away and adds another.
fn layers(bench: &Bench) -> Vec<PathBuf> {
    let [low, high] = ["low", "high"].map(|name| bench.path().join(name));
    for program in PROGRAMS {
        let path = Path::new("/bin").join(program);
        take(&path, &low);
        let needed = Command::new("ldd").arg(&path).output().unwrap().stdout;
        for word in String::from_utf8(needed).unwrap().split_whitespace() {
            if word.starts_with('/') {
                take(Path::new(word), &low);
            }
        }
    }
    fs::create_dir_all(low.join("etc")).unwrap();
    fs::write(
        low.join("etc/passwd"),
        "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
    )
    .unwrap();
    fs::write(low.join("etc/old"), "old").unwrap();
    fs::write(low.join("etc/changed"), "low").unwrap();
    fs::create_dir_all(high.join("etc")).unwrap();
    fs::write(high.join("etc/changed"), "high").unwrap();
    let whiteout = high.join("etc/old");
    assert!(
        Command::new("mknod")
            .arg(whiteout)
            .args(["c", "0", "0"])
            .status()
            .unwrap()
            .success()
    );
    vec![low, high]
}

fn take(file: &Path, root: &Path) {
    let target = root.join(file.strip_prefix("/").unwrap());
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::copy(file, target).unwrap();
}

/// A pretend driver: a file of this machine, a link to it inside, a device node.
fn devices(bench: &Bench) -> Devices {
    let source = bench.path().join("driver");
    fs::write(&source, "of the driver").unwrap();
    Devices {
        nodes: vec!["/dev/full".into()],
        mounts: vec![Share {
            source,
            target: "/driver/file".into(),
        }],
        env: vec![("DRIVER".to_owned(), "there".to_owned())],
        links: vec![("file".into(), "/driver/link".into())],
        library_dirs: Vec::new(),
    }
}

#[test]
fn an_image_belongs_to_the_pods_root_and_stays_as_it_is() {
    let Some(bench) = Bench::new() else { return };
    let layers = layers(&bench);
    let spec = PodSpec {
        rootfs: Rootfs::Layers(layers.clone()),
        user: "ann".to_owned(),
        workdir: Some("/made".into()),
        devices: devices(&bench),
        ..idle_pod(1)
    };
    let pod = bench.pod(&spec);
    assert_eq!(
        bench.says(&pod, "id -u; pwd; echo $HOME"),
        "1000\n/made\n/home/ann"
    );
    assert_eq!(
        bench.says(&pod, "stat -c %u:%g /etc/passwd /etc /"),
        "0:0\n0:0\n0:0"
    );
    assert_eq!(bench.says(&pod, "cat /etc/changed"), "high");
    bench.fails(&pod, "cat /etc/old");
    assert_eq!(
        bench.says(&pod, "cat /driver/link; echo; echo $DRIVER"),
        "of the driver\nthere"
    );
    bench.fails(&pod, "echo x > /driver/file");
    assert_eq!(
        bench.says(&pod, "stat -c %F /dev/full"),
        "character special file"
    );
    bench.fails(&pod, "echo x > /etc/mine");

    let root = "echo new > /etc/changed; echo x > /etc/mine; chown 1000 /etc/mine; rm /etc/passwd; cat /etc/changed";
    let mut exec = livery_runtime::ExecSpec {
        command: livery_runtime::CommandSpec::new(["/bin/sh", "-c", root]),
        streams: livery_runtime::Streams::Pipes,
    };
    exec.command.user = Some("root".to_owned());
    let output = bench
        .runtime()
        .exec_command(&pod, &exec)
        .unwrap()
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "new\n",
        "{output:?}"
    );

    // From this machine: the file is where the agent looks for it, owned as it says.
    let found = bench.runtime().root(&pod).unwrap();
    let mine = fs::metadata(found.path.join("etc/mine")).unwrap();
    assert_eq!(mine.uid(), found.first_id + 1000);
    // The layers are shared by all pods of the image and must not change.
    assert_eq!(
        fs::read_to_string(layers[1].join("etc/changed")).unwrap(),
        "high"
    );
    assert_eq!(fs::metadata(layers[0].join("etc/passwd")).unwrap().uid(), 0);
    bench.runtime().stop(&pod, Span::from_secs(20)).unwrap();
    bench.runtime().start(&pod).unwrap();
    assert_eq!(bench.says(&pod, "cat /etc/changed"), "high");
}
