//! Pods of image layers: root's files on disk are the pod's root's inside, and nothing is copied.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use livery_runtime::cdi::{Devices, Share};
use livery_runtime::{Error, PodSpec, Rootfs};
use livery_units::Span;

use crate::bench::{Bench, idle_pod};

const PROGRAMS: [&str; 9] = [
    "sh", "cat", "ls", "stat", "rm", "id", "mkdir", "chown", "ln",
];

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

/// A pod of layers that idles.
fn pod_of(layers: Vec<PathBuf>) -> PodSpec {
    PodSpec {
        rootfs: Rootfs::Layers(layers),
        ..idle_pod(1)
    }
}

/// Makes a named pipe that nobody writes to.
fn pipe(path: &Path) {
    // What is there in an image may be replaced by a higher layer, not so here.
    let _ = fs::remove_file(path);
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn tables_of_users_that_are_no_files_are_none() {
    let Some(bench) = Bench::new() else { return };
    let layers = layers(&bench);
    for table in ["etc/passwd", "etc/group"] {
        pipe(&layers[0].join(table));
    }
    let pod = bench.pod(&PodSpec {
        command: Some(
            ["/bin/sh", "-c", "while :; do /bin/cat /dev/zero; done"]
                .map(str::to_owned)
                .to_vec(),
        ),
        ..pod_of(layers)
    });
    assert_eq!(bench.says(&pod, "id -u; id -g; echo $HOME"), "0\n0\n/root");
    // And so it is when the pod makes them so, or as long as it likes, or lets them lead elsewhere.
    for change in [
        "rm -f passwd group; ln -s /proc/self/fd/0 passwd; ln -s /dev/zero group",
        "rm -f passwd group; ln -s /proc/kmsg passwd; ln -s . group",
        "rm -f passwd group; mkdir passwd; ln -s group group",
    ] {
        bench.says(&pod, &format!("cd /etc; {change}"));
        assert_eq!(bench.says(&pod, "id -u"), "0", "{change}");
    }
    bench.runtime().stop(&pod, Span::from_secs(1)).unwrap();
}

#[test]
fn links_of_an_image_lead_nowhere_on_the_machine() {
    let Some(bench) = Bench::new() else { return };
    let layers = layers(&bench);
    let outside = bench.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(
        outside.join("passwd"),
        "root:x:0:0::/of-the-machine:/bin/sh\n",
    )
    .unwrap();
    let before = listing(&outside);
    for (number, place) in ["dev", "proc", "sys", "workspace", "tmp", "etc/passwd"]
        .iter()
        .enumerate()
    {
        let top = bench.path().join(format!("top{number}"));
        fs::create_dir_all(top.join(place).parent().unwrap()).unwrap();
        let target = match *place {
            "etc/passwd" => outside.join("passwd"),
            _ => outside.clone(),
        };
        std::os::unix::fs::symlink(target, top.join(place)).unwrap();
        let spec = PodSpec {
            workdir: Some(Path::new("/").join(place).join("deep")),
            ..pod_of([layers.clone(), vec![top]].concat())
        };
        // It comes up or it does not; this machine is none of its business.
        if let Ok(state) = bench.runtime().create(&spec) {
            let home = bench.shell(&state.id, "echo $HOME").stdout;
            assert!(!String::from_utf8_lossy(&home).contains("of-the-machine"));
        }
        bench.runtime().remove(&spec.id).unwrap();
        assert_eq!(listing(&outside), before, "{place}");
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        assert!(!mounts.contains("/outside"), "{place}");
    }
}

fn listing(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_pod_whose_command_cannot_be_started_is_not_made() {
    let Some(bench) = Bench::new() else { return };
    let layers = layers(&bench);
    fs::write(layers[0].join("bin/text"), "no program").unwrap();
    for (program, why) in [
        ("/nonexistent", "was not found"),
        ("nonexistent", "was not found"),
        ("/bin", "may not be run"),
        ("/bin/text", "may not be run"),
    ] {
        let spec = PodSpec {
            command: Some(vec![program.to_owned()]),
            ..pod_of(layers.clone())
        };
        let error = bench.runtime().create(&spec).unwrap_err();
        assert!(matches!(error, Error::NoCommand(_)), "{program}: {error:?}");
        assert!(error.to_string().contains(why), "{program}: {error}");
        assert!(bench.runtime().list().unwrap().is_empty());
    }
    let spec = PodSpec {
        command: Some(vec!["/bin/sh".to_owned()]),
        user: "nobody-here".to_owned(),
        ..pod_of(layers)
    };
    let error = bench.runtime().create(&spec).unwrap_err().to_string();
    assert!(error.contains("has no user `nobody-here`"), "{error}");
}
