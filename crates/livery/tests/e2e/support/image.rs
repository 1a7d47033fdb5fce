//! A small image that a pod can live on, put into a registry as others' tools would.

use super::registry::Registry;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use tar::{Builder, EntryType, Header};

/// A shell and all its tools in one file without libraries.
const BUSYBOX: &str = "/bin/busybox";

/// Pushes an image of busybox to a registry that wants no password; returns its reference, or says
/// what is missing.
pub fn push_busybox(registry: &Registry) -> Option<String> {
    let Ok(busybox) = fs::read(BUSYBOX) else {
        println!("skipped: `{BUSYBOX}` is not there (package busybox-static)");
        return None;
    };
    let layer = layer(&busybox);
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let config = json!({
        "architecture": architecture, "os": "linux", "config": {"Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
    });
    let put = |bytes: &[u8], media: &str| {
        upload(registry.port, bytes);
        let media = format!("application/vnd.oci.image.{media}");
        json!({"mediaType": media, "digest": digest(bytes), "size": bytes.len()})
    };
    let config = put(config.to_string().as_bytes(), "config.v1+json");
    let media = "application/vnd.oci.image.manifest.v1+json";
    let manifest: Value = json!({
        "schemaVersion": 2, "mediaType": media, "config": config,
        "layers": [put(&layer, "layer.v1.tar")],
    });
    let target = "/v2/busybox/manifests/1";
    let manifest = manifest.to_string();
    call(registry.port, "PUT", target, media, manifest.as_bytes());
    Some(format!("127.0.0.1:{}/busybox:1", registry.port))
}

fn layer(busybox: &[u8]) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    let mut add = |path: &str, kind: EntryType, link: Option<&str>, content: &[u8]| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        if let Some(link) = link {
            header.set_link_name(link).unwrap();
        }
        archive.append_data(&mut header, path, content).unwrap();
    };
    add("bin/", EntryType::Directory, None, b"");
    add("bin/busybox", EntryType::Regular, None, busybox);
    for tool in ["sh", "cat", "echo", "sleep"] {
        let path = format!("bin/{tool}");
        add(&path, EntryType::Symlink, Some("busybox"), b"");
    }
    archive.into_inner().unwrap()
}

fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Puts a blob there in one piece.
fn upload(port: u16, bytes: &[u8]) {
    let began = call(
        port,
        "POST",
        "/v2/busybox/blobs/uploads/",
        "text/plain",
        b"",
    );
    let mut headers = began.lines().filter_map(|line| line.split_once(": "));
    let place = headers.find(|(name, _)| name.eq_ignore_ascii_case("location"));
    let place = place.unwrap().1;
    // It names itself in full.
    let place = &place[place.find("/v2/").unwrap()..];
    let target = format!("{place}&digest={}", digest(bytes));
    call(port, "PUT", &target, "application/octet-stream", bytes);
}

/// Makes a request that has to be agreed to; returns the head of the answer.
fn call(port: u16, method: &str, target: &str, media: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: {media}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 20"),
        "{method} {target}: {answer}"
    );
    answer
}
