//! `livery forward`

use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::signals::{self, Signals, Wish};
use crate::ui::{say, warn};
use bytes::Bytes;
use futures_util::StreamExt;
use livery_api::dto::Pod;
use livery_api::{Client, Duplex};
use livery_domain::pod::Phase;
use std::net::IpAddr;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

/// Forward local TCP ports to ports inside a pod, until Ctrl-C or the pod is down.
#[derive(Debug, clap::Args)]
pub struct ForwardArgs {
    /// The pod's id, or its name
    pod: String,
    /// LOCAL:REMOTE, or one port for both; 0 for any free local one
    #[arg(required = true, value_name = "LOCAL:REMOTE")]
    ports: Vec<Ports>,
    /// The local address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    local: u16,
    remote: u16,
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || format!("`{text}` is not LOCAL:REMOTE, such as 8080:80");
        let (local, remote) = text.split_once(':').unwrap_or((text, text));
        let local = local.parse().map_err(|_| fail())?;
        let remote = remote.parse().ok().filter(|port| *port != 0);
        let remote = remote.ok_or_else(fail)?;
        Ok(Self { local, remote })
    }
}

/// Runs the command.
pub async fn run(args: ForwardArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let client = Rc::new(connect::client(settings).await?);
    let pod = client.pod(&args.pod).await?;
    let id: Rc<str> = pod.id.as_str().into();
    let tasks = LocalSet::new();
    for ports in args.ports {
        let listener = listen(args.bind, ports.local).await?;
        let address = listener.local_addr()?;
        say(&format!(
            "forwarding {address} to port {} of pod {id}",
            ports.remote
        ));
        let (client, id) = (client.clone(), id.clone());
        tasks.spawn_local(accept(listener, client, id, ports.remote));
    }
    let mut signals = Signals::catch()?;
    let over = async {
        tokio::select! {
            wish = signals.next() => Ok(match wish {
                Wish::Interrupt => Ending::Done,
                Wish::End(signal) => Ending::Code(signals::exit_code(signal)),
            }),
            why = down(&client, &id) => Err(why),
        }
    };
    tasks.run_until(over).await
}

/// How often the pod is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Returns when there is nothing to forward to any more, and says why. A control plane that is away
/// says nothing about the pod.
async fn down(client: &Client, pod: &str) -> anyhow::Error {
    loop {
        match client.pod(pod).await {
            Ok(pod) => match pod.phase {
                Phase::Running | Phase::Starting | Phase::Pending => {}
                phase @ (Phase::Stopping | Phase::Stopped | Phase::Exited) => {
                    return ended(&pod, phase);
                }
                phase @ (Phase::Terminating | Phase::Terminated | Phase::Lost) => {
                    return ended(&pod, phase);
                }
            },
            Err(error) if error.is_passing() => {}
            Err(error) => return error.into(),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn ended(pod: &Pod, phase: Phase) -> anyhow::Error {
    let id = &pod.id;
    let why = pod
        .reason
        .as_ref()
        .map_or(String::new(), |why| format!(": {why}"));
    let hint = format!("`livery pods show {id}` shows what became of it");
    Failure::failed(format!(
        "nothing is forwarded any more: pod {id} is {phase}{why}"
    ))
    .hint(hint)
    .into()
}

async fn listen(bind: IpAddr, port: u16) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind((bind, port)).await;
    listener.map_err(|why| {
        let message = format!("cannot listen on {bind} port {port}: {why}");
        Failure::mistake(message)
            .hint("choose another local port, or 0 for any")
            .into()
    })
}

async fn accept(listener: TcpListener, client: Rc<Client>, pod: Rc<str>, port: u16) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (client, pod) = (client.clone(), pod.clone());
                tokio::task::spawn_local(async move {
                    if let Err(why) = serve(stream, &client, &pod, port).await {
                        warn(&format!("port {port}: {why}"));
                    }
                });
            }
            Err(why) => {
                // Too many open files passes when connections end.
                warn(&format!("a connection was not accepted: {why}"));
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, client: &Client, pod: &str, port: u16) -> anyhow::Result<()> {
    let Duplex { input, mut output } = client.pod_forward(pod, port).await?;
    let (mut reader, mut writer) = stream.into_split();
    let send = async move {
        let mut buffer = vec![0_u8; 64 << 10];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            if input
                .send(Bytes::copy_from_slice(&buffer[..count]))
                .await
                .is_err()
            {
                return;
            }
        }
    };
    let receive = async move {
        while let Some(piece) = output.next().await {
            writer.write_all(&piece?).await?;
        }
        // The other side has no more to say; half-closed connections are told so.
        writer.shutdown().await?;
        anyhow::Ok(())
    };
    let (received, ()) = tokio::join!(receive, send);
    received
}
