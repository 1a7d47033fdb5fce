//! An HTTP server that keeps what it gets and answers by a script, the last answer for ever.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Receiver {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    got: Vec<String>,
    script: Vec<String>,
}

/// An answer that never comes.
pub const SILENCE: &str = "";

impl Receiver {
    pub async fn start(script: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, script)
    }

    pub fn on(listener: TcpListener, script: &[&str]) -> Self {
        let port = listener.local_addr().unwrap().port();
        let script = script.iter().rev().map(|answer| (*answer).to_owned());
        let state = Arc::new(Mutex::new(State {
            got: Vec::new(),
            script: script.collect(),
        }));
        let kept = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone()));
            }
        });
        Self { port, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Returns the requests so far, each with its head.
    pub fn got(&self) -> Vec<String> {
        self.state.lock().unwrap().got.clone()
    }

    /// Answers so from now on.
    pub fn answer(&self, answer: &str) {
        self.state.lock().unwrap().script = vec![answer.to_owned()];
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut text = String::new();
    let mut piece = [0_u8; 4_096];
    while !is_whole(&text) {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(count) => text.push_str(&String::from_utf8_lossy(&piece[..count])),
        }
    }
    let answer = {
        let mut state = state.lock().unwrap();
        state.got.push(text);
        match state.script.len() {
            0 | 1 => state.script.last().cloned().unwrap_or_default(),
            _ => state.script.pop().unwrap(),
        }
    };
    if answer == SILENCE {
        return std::future::pending().await;
    }
    let answer = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}

fn is_whole(text: &str) -> bool {
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.parse().unwrap());
    body.len() >= length
}
