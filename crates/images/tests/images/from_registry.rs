//! Pulling from Debian's `docker-registry`.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;
use std::thread;

use livery_images::{Error, ImageRef, Images, Options, Prepared, Progress, Registries};
use livery_units::Bytes;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;
use tokio::sync::watch;

use crate::build::{Image, Layer, Packing, sample};
use crate::support::{
    Door, PASSWORD, Registry, Store, credentials, cutting_proxy, free_port, owner, read,
};

#[tokio::test]
async fn an_image_arrives_as_it_was_made() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let name = registry.name("team/app:1.0");
    sample().push(&name, None).await;
    let store = Store::new();
    let prepared = store.prepare(&name).await.unwrap();
    let [lower, upper] = prepared.layers() else {
        panic!("two layers, lowest first");
    };

    let tool = fs::metadata(lower.join("bin/tool")).unwrap();
    assert_eq!((tool.uid(), tool.gid()), (1000, 1001));
    assert_eq!(
        (tool.mode() & 0o7777, tool.mtime()),
        (0o4755, 1_699_747_200)
    );
    assert_eq!(
        fs::metadata(lower.join("bin/same")).unwrap().ino(),
        tool.ino()
    );
    let link = fs::read_link(lower.join("bin/link")).unwrap();
    assert_eq!(link, Path::new("/bin/tool"));
    let dir = fs::metadata(lower.join("bin")).unwrap();
    assert_eq!(dir.mtime(), 1_699_747_200, "children must not change it");
    let mut note = [0; 16];
    let length = rustix::fs::getxattr(lower.join("noted"), "user.comment", &mut note).unwrap();
    assert_eq!(&note[..length], b"kept");
    assert!(!lower.join("disk").exists(), "devices are left out");

    let whiteout = fs::symlink_metadata(upper.join("data/old")).unwrap();
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    assert_eq!(
        overlay_view(&prepared),
        [
            "bin/link",
            "bin/same",
            "bin/tool",
            "cache/fresh",
            "data/keep",
            "noted"
        ]
    );
    assert_eq!(store.names("scratch"), Vec::<String>::new());
}

#[tokio::test]
async fn the_configuration_is_told() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let name = registry.name("app:1");
    sample().push(&name, None).await;
    let prepared = Store::new().prepare(&name).await.unwrap();
    let config = &prepared.config;
    assert_eq!(config.entrypoint, ["/bin/tool"]);
    assert_eq!(config.cmd, ["--serve"]);
    assert_eq!(
        (config.workdir.as_str(), config.user.as_str()),
        ("/data", "1000")
    );
    assert_eq!(config.exposed_ports[0].port, 8888);
    assert_eq!(prepared.cuda_required.unwrap().to_string(), "12.4");
    assert!(prepared.digest.starts_with("sha256:"));
}

#[tokio::test]
async fn an_image_that_is_here_needs_no_registry() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let (pinned, floating) = (registry.name("app:1"), registry.name("app:latest"));
    for name in [&pinned, &floating] {
        sample().push(name, None).await;
    }
    let store = Store::new();
    let first = store.prepare(&pinned).await.unwrap();
    store.prepare(&floating).await.unwrap();

    // `latest` follows the registry while there is one; the other tag stays what it was.
    let newer = Image::new().layer(Layer::new().file("new", b""), Packing::Plain);
    for name in [&pinned, &floating] {
        newer.push(name, None).await;
    }
    assert_eq!(store.prepare(&pinned).await.unwrap(), first);
    let moved = store.prepare(&floating).await.unwrap();
    assert_eq!(moved.layers().len(), 1);

    drop(registry);
    assert_eq!(store.prepare(&pinned).await.unwrap(), first);
    assert_eq!(store.prepare(&floating).await.unwrap(), moved);
}

#[tokio::test]
async fn concurrent_pulls_share_the_download() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let name = registry.name("app:1");
    let image = sample();
    image.push(&name, None).await;
    let store = Store::new();
    let pulls = (0..4).map(|_| store.prepare(&name));
    let prepared = futures_util::future::try_join_all(pulls).await.unwrap();
    assert!(prepared.windows(2).all(|pair| pair[0] == pair[1]));
    for digest in image.blob_digests() {
        assert_eq!(
            registry.count_in_log(&format!("/blobs/{digest}")),
            1,
            "{digest}"
        );
    }
}

#[tokio::test]
async fn a_password_opens_and_a_wrong_one_does_not() {
    let Some(registry) = Registry::start(Door::Locked) else {
        return;
    };
    let name = registry.name("private/app:1");
    sample().push(&name, Some(&credentials(PASSWORD))).await;
    let store = Store::new();
    for refused in [
        store.prepare(&name).await,
        store.prepare_as(&name, Some(&credentials("wrong"))).await,
    ] {
        assert!(
            matches!(refused, Err(Error::Unauthorized { .. })),
            "{refused:?}"
        );
    }
    store.assert_empty();
    let known = credentials(PASSWORD);
    store.prepare_as(&name, Some(&known)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let name = registry.name("app:1");
    sample().push(&name, None).await;
    let store = Store::new();
    let no_digest = format!("app@sha256:{}", "0".repeat(64));
    for missing in ["app:2", "nothing:1", &no_digest] {
        let name = registry.name(missing);
        let outcome = store.prepare(&name).await;
        assert!(
            matches!(&outcome, Err(Error::NotFound { image, .. }) if *image == name),
            "{outcome:?}"
        );
    }
    let nobody = format!("127.0.0.1:{}/app:1", free_port());
    let outcome = store.prepare(&nobody).await;
    assert!(
        matches!(&outcome, Err(Error::Unreachable { reason, .. }) if reason.contains("refused")),
        "{outcome:?}"
    );
    store.assert_empty();
}

#[tokio::test]
async fn damage_on_the_way_is_noticed() {
    for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
        let Some(registry) = Registry::start(Door::Open) else {
            return;
        };
        let name = registry.name("app:1");
        let content: Vec<u8> = (0..20_000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        let image = Image::new().layer(Layer::new().file("data", &content), packing);
        image.push(&name, None).await;
        let path = registry.blob_path(&image.blob_digests()[0]);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        fs::write(&path, bytes).unwrap();
        let store = Store::new();
        let outcome = store.prepare(&name).await;
        assert!(matches!(outcome, Err(Error::Corrupt { .. })), "{outcome:?}");
        store.assert_empty();
    }
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_was() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let content: Vec<u8> = (0..1_000_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let image = Image::new().layer(Layer::new().file("data", &content), Packing::Plain);
    image.push(&registry.name("app:1"), None).await;
    let port = cutting_proxy(registry.port, 1 << 20, 2);
    let store = Store::new();
    let (progress, watched) = watch::channel(Progress::default());
    let name: ImageRef = format!("127.0.0.1:{port}/app:1").parse().unwrap();
    let prepared = store
        .images
        .prepare(&name, &owner(None), &progress)
        .await
        .unwrap();
    assert_eq!(
        fs::read(prepared.layers()[0].join("data")).unwrap(),
        content
    );
    let blob = format!("/blobs/{}", image.blob_digests()[0]);
    assert_eq!(registry.count_in_log(&blob), 3, "two cuts, two resumptions");
    let end = *watched.borrow();
    assert_eq!(end.bytes_done, end.bytes, "nothing was fetched twice");
    assert_eq!((end.layers, end.layers_done), (1, 1));
}

#[tokio::test]
async fn an_abandoned_pull_leaves_the_next_one_free() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let name = registry.name("app:1");
    let layer = Layer::new().file("data", &vec![7; 32 << 20]);
    let image = Image::new().layer(layer, Packing::Plain);
    image.push(&name, None).await;
    let store = Store::new();
    let (progress, mut watched) = watch::channel(Progress::default());
    let reference: ImageRef = name.parse().unwrap();
    let pull = {
        let (images, reference) = (store.images.clone(), reference.clone());
        tokio::spawn(async move { images.prepare(&reference, &owner(None), &progress).await })
    };
    // Somewhere in the middle: the first bytes have come.
    let begun = watched.wait_for(|now| now.bytes_done > Bytes::ZERO);
    assert!(begun.await.is_ok());
    pull.abort();
    assert!(pull.await.unwrap_err().is_cancelled());
    let prepared = store.prepare(&name).await.unwrap();
    let length = fs::metadata(prepared.layers()[0].join("data"))
        .unwrap()
        .len();
    assert_eq!(length, 32 << 20);
}

#[tokio::test]
async fn a_store_is_reopened_with_what_it_has() {
    let Some(registry) = Registry::start(Door::Open) else {
        return;
    };
    let name = registry.name("app:1");
    sample().push(&name, None).await;
    let Store { images, dir } = Store::new();
    let image: ImageRef = name.parse().unwrap();
    let (progress, _) = watch::channel(Progress::default());
    let first = images
        .prepare(&image, &owner(None), &progress)
        .await
        .unwrap();
    drop(images);
    drop(registry);
    let root = dir.path().join("images");
    fs::create_dir(root.join("scratch/half-made")).unwrap();
    let options = Options {
        root: root.clone(),
        registries: Registries::default(),
    };
    let reopened = Images::open(options).unwrap();
    assert_eq!(
        reopened
            .prepare(&image, &owner(None), &progress)
            .await
            .unwrap(),
        first
    );
    assert!(!root.join("scratch/half-made").exists());
    assert_eq!(read(&first.layers()[0].join("data/old")), "old");
}

#[tokio::test]
async fn a_registry_elsewhere_is_spoken_to_over_tls() {
    let Some(address) = own_address() else {
        eprintln!("skipped: this machine has no address but loopback");
        return;
    };
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut first = [0];
            let read = stream.read_exact(&mut first).map(|()| first[0]);
            // The test may be over.
            let _ = tell.send(read);
        }
    });
    let store = Store::new();
    let outcome = store.prepare(&format!("{address}:{port}/app:1")).await;
    assert!(
        matches!(outcome, Err(Error::Unreachable { .. })),
        "{outcome:?}"
    );
    assert_eq!(told.recv().unwrap().unwrap(), 0x16, "a TLS handshake");
}

/// The address from which this machine would speak to another; nothing is sent.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("198.51.100.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    Some(address).filter(|address| !address.is_loopback())
}

/// Lists the files of the layers as overlayfs itself shows them.
fn overlay_view(prepared: &Prepared) -> Vec<String> {
    let lower: Vec<String> = prepared
        .layers()
        .iter()
        .rev()
        .map(|path| path.display().to_string())
        .collect();
    let options = format!("lowerdir={}", lower.join(":"));
    // A mount namespace of a thread's own: the mount goes with the thread.
    thread::spawn(move || {
        // SAFETY: nothing else runs on this thread or shares its file-system state afterwards.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }.unwrap();
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        rustix::mount::mount_change("/", private).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let options = std::ffi::CString::new(options).unwrap();
        let flags = MountFlags::RDONLY;
        rustix::mount::mount("overlay", dir.path(), "overlay", flags, options.as_c_str()).unwrap();
        let found = std::process::Command::new("find")
            .args([
                ".", "(", "-type", "f", "-o", "-type", "l", ")", "-printf", "%P\n",
            ])
            .current_dir(dir.path())
            .output()
            .unwrap();
        rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
        let text = String::from_utf8(found.stdout).unwrap();
        let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
        names.sort();
        names
    })
    .join()
    .unwrap()
}
