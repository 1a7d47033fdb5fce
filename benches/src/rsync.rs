//! rsync over ssh to this same machine, with an ssh server of its own.

use crate::child::{Server, output};
use anyhow::{Context, Result, bail};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// What one rsync did.
pub(crate) struct Sent {
    /// How long it took.
    pub time: Duration,
    /// How many bytes it sent.
    pub bytes: u64,
}

/// A running sshd on a loopback port, with keys of its own.
pub(crate) struct Ssh {
    port: u16,
    key: PathBuf,
    // Held for its Drop: the server ends with this value.
    _server: Server,
}

impl Ssh {
    /// Starts one in `directory`.
    pub(crate) fn start(directory: &Path) -> Result<Self> {
        let key = directory.join("key");
        let host_key = directory.join("host-key");
        for file in [&key, &host_key] {
            output(
                Command::new("ssh-keygen")
                    .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                    .arg(file),
            )?;
        }
        let allowed = directory.join("authorized");
        std::fs::copy(key.with_extension("pub"), &allowed)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let config = directory.join("sshd_config");
        std::fs::write(
            &config,
            format!(
                "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
                 PermitRootLogin prohibit-password\nPasswordAuthentication no\nUsePAM no\n\
                 StrictModes no\nPidFile none\nMaxStartups 100\n",
                host_key.display(),
                allowed.display()
            ),
        )?;
        // sshd wants this directory, which the system's service would make.
        std::fs::create_dir_all("/run/sshd")?;
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f"]).arg(&config);
        let mut server = Server::start(&mut command, directory.join("sshd.log"))?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            server.check_alive()?;
            if Instant::now() > deadline {
                bail!("sshd does not listen:\n{}", server.log_end());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self {
            port,
            key,
            _server: server,
        })
    }

    /// Sends a directory's content with `rsync -a`.
    pub(crate) fn send(&self, from: &Path, to: &Path) -> Result<Sent> {
        let shell = format!(
            "ssh -p {} -i {} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
             -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            self.port,
            self.key.display()
        );
        let begin = Instant::now();
        let told = output(
            Command::new("rsync")
                .args(["-a", "--stats", "-e", &shell])
                .arg(format!("{}/", from.display()))
                .arg(format!("root@127.0.0.1:{}/", to.display())),
        )?;
        let time = begin.elapsed();
        let bytes = told
            .lines()
            .find_map(|line| line.strip_prefix("Total bytes sent: "))
            .and_then(|number| number.replace(',', "").trim().parse().ok())
            .context("rsync did not say how much it sent")?;
        Ok(Sent { time, bytes })
    }
}
