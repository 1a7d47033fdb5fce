//! Docker Engine, started beside everything else: own data, own socket, own network namespace.

use crate::args::Args;
use crate::child::{Server, output};
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The image that is measured: a shell and its tools.
pub(crate) const IMAGE: &str = "livery-bench:1";

const PATIENCE: Duration = Duration::from_secs(60);
const DOCKER: &str = "/usr/bin/docker";
const BUSYBOX: &str = "/bin/busybox";

/// A running `dockerd` with the image in it.
pub(crate) struct Docker {
    socket: PathBuf,
    // Held for its Drop: the daemon ends with this value.
    _daemon: Server,
}

impl Docker {
    /// Starts a daemon in `directory` and makes the image.
    ///
    /// The daemon has a network namespace of its own, so that its bridge and its firewall rules
    /// are as in any installation and touch nothing of this machine.
    pub(crate) fn start(args: &Args, directory: &Path) -> Result<Self> {
        let socket = directory.join("docker.sock");
        let config = directory.join("daemon.json");
        std::fs::write(&config, "{}")?;
        let script = "ip link set lo up && echo 1 >/proc/sys/net/ipv4/ip_forward && exec \"$@\"";
        let mut command = Command::new("unshare");
        command
            .args(["--net", "sh", "-c", script, "sh", "dockerd"])
            .arg("--config-file")
            .arg(&config)
            .arg("--data-root")
            .arg(directory.join("data"))
            .arg("--exec-root")
            .arg(directory.join("exec"))
            .arg("--pidfile")
            .arg(directory.join("docker.pid"))
            .arg(format!("--host=unix://{}", socket.display()))
            .arg("--storage-driver=overlay2");
        let mut daemon = Server::start(&mut command, directory.join("dockerd.log"))?;
        let deadline = Instant::now() + PATIENCE;
        while request(&socket, "GET", "/_ping", "").is_err() {
            daemon.check_alive()?;
            if Instant::now() > deadline {
                bail!("dockerd does not answer:\n{}", daemon.log_end());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let docker = Self {
            socket,
            _daemon: daemon,
        };
        docker.make_image(&args.dir)?;
        Ok(docker)
    }

    /// Returns a `docker` command for this daemon.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(DOCKER);
        command.arg(format!("--host=unix://{}", self.socket.display()));
        command
    }

    /// Writes the image as `docker save` does.
    pub(crate) fn save(&self, file: &Path) -> Result<()> {
        output(
            self.command()
                .args(["save", "--output"])
                .arg(file)
                .arg(IMAGE),
        )
        .map(|_| ())
    }

    /// Returns how long `docker run` takes from its start to the first output of the command.
    pub(crate) fn run_once(&self) -> Result<Duration> {
        let begin = Instant::now();
        let mut child = self
            .command()
            .args(["run", "--rm", IMAGE, "/bin/echo", "up"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run docker")?;
        let mut first = [0];
        let read = child.stdout.as_mut().map(|out| out.read_exact(&mut first));
        let time = begin.elapsed();
        let status = child.wait()?;
        if !status.success() || !matches!(read, Some(Ok(()))) {
            bail!("docker run ended with {status} and no output");
        }
        Ok(time)
    }

    /// Returns how long the Engine's API takes from the first call to the first output.
    pub(crate) fn api_once(&self) -> Result<Duration> {
        let begin = Instant::now();
        let order = serde_json::json!({ "Image": IMAGE, "Cmd": ["/bin/echo", "up"] });
        let made = request(
            &self.socket,
            "POST",
            "/containers/create",
            &order.to_string(),
        )?;
        let answer: serde_json::Value = serde_json::from_str(&made)?;
        let id = answer["Id"]
            .as_str()
            .context("dockerd gave no container id")?;
        let mut output = attach(&self.socket, id)?;
        request(&self.socket, "POST", &format!("/containers/{id}/start"), "")?;
        output.read_exact(&mut [0])?;
        let time = begin.elapsed();
        request(
            &self.socket,
            "DELETE",
            &format!("/containers/{id}?force=1"),
            "",
        )?;
        Ok(time)
    }

    fn make_image(&self, directory: &Path) -> Result<()> {
        let root = tempfile::tempdir_in(directory)?;
        let bin = root.path().join("bin");
        std::fs::create_dir(&bin)?;
        std::fs::copy(BUSYBOX, bin.join("busybox"))
            .with_context(|| format!("{BUSYBOX} is missing: install busybox-static"))?;
        for name in ["sh", "echo", "true", "sleep", "cat", "ls"] {
            std::os::unix::fs::symlink("busybox", bin.join(name))?;
        }
        let archive = root.path().join("image.tar");
        output(
            Command::new("tar")
                .arg("-C")
                .arg(root.path())
                .arg("-cf")
                .arg(&archive)
                .arg("bin"),
        )?;
        output(self.command().arg("import").arg(&archive).arg(IMAGE)).map(|_| ())
    }
}

/// Opens the stream of a container's output.
fn attach(socket: &Path, id: &str) -> Result<UnixStream> {
    let mut stream = UnixStream::connect(socket)?;
    write!(
        stream,
        "POST /containers/{id}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: docker\r\n\
         Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n"
    )?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if !head.starts_with(b"HTTP/1.1 101") {
        bail!(
            "dockerd refused to attach: {}",
            String::from_utf8_lossy(&head)
        );
    }
    Ok(stream)
}

/// Makes one request on a connection of its own; returns the body of a good answer.
fn request(socket: &Path, method: &str, path: &str, body: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    // HTTP/1.0 keeps the answer free of chunks.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("dockerd gave no answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !status.starts_with('2') {
        bail!("dockerd answered {method} {path} with {status}: {body}");
    }
    Ok(body.to_owned())
}
