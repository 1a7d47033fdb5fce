//! A registry that does what a test tells it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::build::{Image, Parts};

/// A registry on a port of its own. It ends with the test's process.
pub struct Scripted {
    pub port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Heard {
    pub method: String,
    pub path: String,
    pub authorization: Option<String>,
}

/// What is answered.
pub struct Said {
    pub status: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Whether the body is repeated for as long as anybody reads.
    pub length: Length,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Whole,
    Endless,
}

impl Scripted {
    pub fn start(answer: impl Fn(&Heard) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let log = Arc::clone(&heard);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                thread::spawn(move || speak(stream, &log, &*answer));
            }
        });
        Self { port, heard }
    }

    /// One that has an image under every name.
    pub fn with(image: &Image) -> Self {
        let parts = image.parts();
        Self::start(move |heard| parts.answer(heard))
    }

    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.host())
    }

    /// The requests so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Forgets the requests so far.
    pub fn forget(&self) {
        self.heard.lock().unwrap().clear();
    }

    /// The paths that were asked for, as `METHOD path`.
    pub fn asked(&self) -> Vec<String> {
        let line = |one: &Heard| format!("{} {}", one.method, one.path);
        self.heard().iter().map(line).collect()
    }
}

impl Parts {
    /// Answers as a registry that has the image under every name.
    pub fn answer(&self, heard: &Heard) -> Said {
        if heard.path.contains("/manifests/") {
            return Said::ok(self.manifest.to_string().into_bytes());
        }
        let name = heard.path.rsplit('/').next().unwrap_or_default();
        match self.blobs.get(name) {
            Some(bytes) => Said::ok(bytes.clone()),
            None => Said::status("404 Not Found"),
        }
    }

    /// Says that a layer is there, as long as the manifest says.
    pub fn head(&self, digest: &str) -> Said {
        let layers = self.manifest["layers"].as_array().unwrap();
        let named = layers
            .iter()
            .find(|layer| layer["digest"] == *digest)
            .unwrap();
        let size = usize::try_from(named["size"].as_u64().unwrap()).unwrap();
        Said::ok(vec![0; size])
    }
}

impl Said {
    pub fn ok(body: Vec<u8>) -> Self {
        Self {
            body,
            ..Self::status("200 OK")
        }
    }

    pub fn status(status: &'static str) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            length: Length::Whole,
        }
    }

    pub fn endless(status: &'static str, body: &[u8]) -> Self {
        Self {
            body: body.to_vec(),
            length: Length::Endless,
            ..Self::status(status)
        }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn redirect(location: String) -> Self {
        Self::status("307 Temporary Redirect").header("location", location)
    }
}

fn speak(stream: TcpStream, log: &Mutex<Vec<Heard>>, answer: &dyn Fn(&Heard) -> Said) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(heard) = hear(&mut reader) {
        log.lock().unwrap().push(heard.clone());
        let said = answer(&heard);
        // The client may have had enough.
        if say(&stream, &heard, &said).is_err() || said.length == Length::Endless {
            return;
        }
    }
}

fn hear(reader: &mut BufReader<TcpStream>) -> Option<Heard> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut authorization = None;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else {
            return Some(Heard {
                method,
                path,
                authorization,
            });
        };
        if name.eq_ignore_ascii_case("authorization") {
            authorization = Some(value.trim().to_owned());
        }
    }
}

fn say(mut stream: &TcpStream, heard: &Heard, said: &Said) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {}\r\n", said.status);
    for (name, value) in &said.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match said.length {
        Length::Whole => head.push_str(&format!("content-length: {}\r\n\r\n", said.body.len())),
        Length::Endless => head.push_str("connection: close\r\n\r\n"),
    }
    stream.write_all(head.as_bytes())?;
    if heard.method == "HEAD" {
        return Ok(());
    }
    stream.write_all(&said.body)?;
    match said.length {
        Length::Whole => Ok(()),
        Length::Endless => loop {
            stream.write_all(&said.body)?;
        },
    }
}
