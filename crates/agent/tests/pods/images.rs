//! Images that no pod can be started from, and what is kept of the password of one that can.

use crate::bench::{Bench, PATIENCE, pod_id, pod_spec};
use livery_host_api::Host;
use livery_host_api::dto::{Credentials, PodState};
use livery_units::Span;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tar::{Builder, EntryType, Header};
use tokio::net::TcpListener;

/// What is wrong with an image.
struct Flaw {
    name: &'static str,
    /// Breaks the image that was written.
    change: fn(&Path, &mut Value),
    command: Option<&'static [&'static str]>,
    /// The kind of the failure, and a part of its words.
    code: &'static str,
    says: &'static str,
}

const FLAWS: [Flaw; 11] = [
    flaw(
        "without-layers",
        |_, image| without_layers(image),
        "no layers",
    ),
    flaw(
        "missing-layer",
        |dir, image| fs::remove_file(blob(dir, &image["layers"][0])).unwrap(),
        "No such file",
    ),
    flaw(
        "corrupt-layer",
        |dir, image| fs::write(blob(dir, &image["layers"][0]), "x").unwrap(),
        "damaged",
    ),
    flaw(
        "climbing",
        |dir, image| layer(dir, image, &[("../out", EntryType::Regular)]),
        "would leave the image",
    ),
    flaw(
        "wrong-content",
        |_, image| image["diff_ids"] = json!([digest(b"another")]),
        "a layer's content is damaged",
    ),
    flaw(
        "other-machine",
        |_, image| image["architecture"] = json!("s390x"),
        "built for linux/s390x",
    ),
    Flaw {
        command: Some(&["sh", "-c", "true"]),
        code: "invalid",
        ..flaw("no-shell", |_, _| {}, "`sh` was not found")
    },
    Flaw {
        command: Some(&[]),
        code: "invalid",
        ..flaw("no-command", |_, _| {}, "no command of its own")
    },
    Flaw {
        command: Some(&[]),
        code: "invalid",
        ..flaw(
            "nonexistent",
            |_, image| image["config"] = json!({"Cmd": ["/nonexistent"]}),
            "`/nonexistent` was not found",
        )
    },
    Flaw {
        command: Some(&[]),
        code: "invalid",
        ..flaw(
            "directory",
            |_, image| image["config"] = json!({"Entrypoint": ["/dir"]}),
            "`/dir` may not be run",
        )
    },
    Flaw {
        command: Some(&["/file"]),
        code: "invalid",
        ..flaw(
            "no-user",
            |_, image| image["config"] = json!({"User": "eve"}),
            "no user `eve`",
        )
    },
];

fn without_layers(image: &mut Value) {
    (image["layers"], image["diff_ids"]) = (json!([]), json!([]));
}

const fn flaw(name: &'static str, change: fn(&Path, &mut Value), says: &'static str) -> Flaw {
    Flaw {
        name,
        change,
        command: None,
        code: "image",
        says,
    }
}

/// Writes an image of one layer with a directory and a text, as it is changed, and returns its name.
fn write(dir: &Path, change: fn(&Path, &mut Value)) -> String {
    fs::create_dir_all(dir.join("blobs/sha256")).unwrap();
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let mut image = json!({"architecture": architecture, "config": {}});
    layer(
        dir,
        &mut image,
        &[("dir/", EntryType::Directory), ("file", EntryType::Regular)],
    );
    change(dir, &mut image);
    let config = json!({
        "architecture": image["architecture"], "os": "linux", "config": image["config"],
        "rootfs": {"type": "layers", "diff_ids": image["diff_ids"]},
    });
    let config = put(dir, config.to_string().as_bytes());
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": image["layers"]});
    let manifest = put(dir, manifest.to_string().as_bytes());
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    fs::write(dir.join("index.json"), index.to_string()).unwrap();
    format!("oci:{}", dir.display())
}

/// Makes this the image's only layer.
fn layer(dir: &Path, image: &mut Value, entries: &[(&str, EntryType)]) {
    let mut builder = Builder::new(Vec::new());
    for (name, kind) in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(0);
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
    }
    let bytes = builder.into_inner().unwrap();
    image["layers"] = json!([put(dir, &bytes)]);
    image["diff_ids"] = json!([digest(&bytes)]);
}

fn put(dir: &Path, bytes: &[u8]) -> Value {
    let digest = digest(bytes);
    let descriptor = json!({
        "mediaType": "application/octet-stream", "digest": digest, "size": bytes.len()
    });
    fs::write(blob(dir, &descriptor), bytes).unwrap();
    descriptor
}

fn blob(dir: &Path, descriptor: &Value) -> std::path::PathBuf {
    let digest = descriptor["digest"].as_str().unwrap();
    dir.join("blobs/sha256").join(&digest["sha256:".len()..])
}

fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

pub async fn what_cannot_be_started_fails_with_its_reason(bench: &mut Bench) {
    let before = bench.host().info().await.unwrap().free;
    for (number, flaw) in FLAWS.iter().enumerate() {
        let mut spec = pod_spec();
        spec.image = write(&bench.path().join(flaw.name), flaw.change);
        let command = flaw
            .command
            .map(|words| words.iter().map(|&word| word.to_owned()).collect());
        spec.command = command;
        let pod = pod_id(number as u128);
        let made = bench
            .host()
            .pod_create(&pod, &spec, PATIENCE)
            .await
            .unwrap();
        assert_eq!(made.state, PodState::Failed, "{}: {made:?}", flaw.name);
        let failure = made.failure.unwrap();
        assert_eq!(failure.code, flaw.code, "{}: {failure:?}", flaw.name);
        assert!(
            failure.message.contains(flaw.says),
            "{}: {failure:?}",
            flaw.name
        );
        assert!(made.began_ago_ms.is_none());
        // Another pod can have what it asked for.
        let now = bench.host().info().await.unwrap().free;
        assert_eq!(
            (now.vcpu_milli, now.memory),
            (before.vcpu_milli, before.memory)
        );
        bench.host().pod_remove(&pod).await.unwrap();
    }
    assert_eq!(bench.host().pods().await.unwrap(), []);
}

pub async fn a_password_is_kept_only_while_an_image_is_fetched(bench: &mut Bench) {
    const PASSWORD: &str = "hunter2-hunter2";
    // A registry that takes calls and never answers.
    let registry = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut spec = pod_spec();
    spec.image = format!("{}/some/image:1", registry.local_addr().unwrap());
    spec.credentials = Some(Credentials {
        username: "ada".to_owned(),
        password: PASSWORD.to_owned(),
    });
    let pod = pod_id(1);
    bench
        .host()
        .pod_create(&pod, &spec, Span::ZERO)
        .await
        .unwrap();
    let (call, _) = registry.accept().await.unwrap();
    let record = bench.options.data_dir.join(format!("host/pods/{pod}.json"));
    assert!(fs::read_to_string(&record).unwrap().contains(PASSWORD));
    let mode = fs::metadata(&record).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The registry goes away, and the pod fails.
    drop((call, registry));
    let failed = bench
        .host()
        .pod_create(&pod, &spec, PATIENCE)
        .await
        .unwrap();
    assert_eq!(failed.state, PodState::Failed);
    assert!(!format!("{failed:?}").contains(PASSWORD));
    // The answer comes before the record is written.
    let forgotten = || !fs::read_to_string(&record).unwrap().contains(PASSWORD);
    for _ in 0..3_000 {
        if forgotten() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(forgotten());

    let mut spec = pod_spec();
    spec.credentials = Some(Credentials {
        username: "ada".to_owned(),
        password: PASSWORD.to_owned(),
    });
    let pod = pod_id(2);
    bench
        .host()
        .pod_create(&pod, &spec, PATIENCE)
        .await
        .unwrap();
    bench
        .host()
        .pod_stop(&pod, Span::from_secs(20))
        .await
        .unwrap();
    let record = bench.options.data_dir.join(format!("host/pods/{pod}.json"));
    assert!(!fs::read_to_string(&record).unwrap().contains(PASSWORD));
}
