//! A certificate for `localhost` and its authority, made by OpenSSL.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of a certificate, and of the authority that it is of.
pub struct Certificate {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    pub fn make(dir: &Path) -> Self {
        let path = |name: &str| dir.join(name);
        let config = path("openssl.cnf");
        std::fs::write(&config, "[req]\ndistinguished_name = dn\n[dn]\n").unwrap();
        let (authority, authority_key) = (path("authority.pem"), path("authority-key.pem"));
        let request = || {
            let mut command = Command::new("openssl");
            command
                .args(["req", "-x509", "-newkey", "ec", "-pkeyopt"])
                .args(["ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-config"])
                .arg(&config);
            command
        };
        let mut of_authority = request();
        of_authority
            .args([
                "-subj",
                "/CN=authority",
                "-addext",
                "basicConstraints=critical,CA:TRUE",
            ])
            .arg("-out")
            .arg(&authority)
            .arg("-keyout")
            .arg(&authority_key);
        run(of_authority);
        let made = Self {
            authority,
            certificate: path("certificate.pem"),
            key: path("key.pem"),
        };
        let mut of_server = request();
        of_server
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "basicConstraints=CA:FALSE",
            ])
            .args([
                "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-CA",
            ])
            .arg(&made.authority)
            .arg("-CAkey")
            .arg(&authority_key)
            .arg("-out")
            .arg(&made.certificate)
            .arg("-keyout")
            .arg(&made.key);
        run(of_server);
        made
    }
}

fn run(mut command: Command) {
    let output = command.output();
    let output = output.expect("openssl is installed by scripts/install test");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
