//! `livery pod create`

use super::pod::{Waiting, settle};
use super::policy_args::PolicyArgs;
use crate::connect;
use crate::failure::Ending;
use crate::settings::Settings;
use crate::ui::{out, print_json, say};
use livery_api::dto::{NewPod, Policy};
use livery_domain::offer::Tier;
use livery_domain::pod::Phase;
use livery_units::{Bytes, Money};
use std::io::Write;

/// Create a pod on the cheapest offer that fits, and print its id once it runs.
#[derive(Debug, clap::Args)]
pub struct PodCreateArgs {
    /// `host` for this machine's own programs (with the owner's account), a registry reference such as
    /// `ubuntu:24.04`, `oci:DIR` or `docker-archive:FILE`
    #[arg(long, default_value = "host")]
    image: String,
    /// A name for listings
    #[arg(long)]
    name: Option<String>,
    /// GPU model, such as "RTX 4090"
    #[arg(long, value_name = "MODEL")]
    gpu: Option<String>,
    /// Number of GPUs
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// Memory of each GPU, at least
    #[arg(long, value_name = "SIZE")]
    min_vram: Option<Bytes>,
    /// Virtual CPUs, such as 2 or 0.5 [default: what the offer has]
    #[arg(long, value_name = "N", value_parser = vcpu_milli)]
    cpus: Option<u32>,
    /// Memory, such as 8GB [default: what the offer has]
    #[arg(long, value_name = "SIZE")]
    memory: Option<Bytes>,
    /// Container disk, gone at stop [default: 10 GiB, or less where the machine has less]
    #[arg(long, value_name = "SIZE")]
    disk: Option<Bytes>,
    /// Volume disk at /workspace, kept while the pod exists [default: the same]
    #[arg(long, value_name = "SIZE")]
    volume: Option<Bytes>,
    /// A network volume (`livery volume`), by name or id, which stays when the pod is terminated: at
    /// /workspace instead of the volume disk, or beside it at PATH
    #[arg(long, value_name = "NAME[:PATH]")]
    network_volume: Option<String>,
    /// Environment variable; without a value, the caller's own
    #[arg(short, long = "env", value_name = "K[=V]")]
    envs: Vec<String>,
    /// TCP port that the pod serves
    #[arg(short, long = "port", value_name = "PORT")]
    ports: Vec<u16>,
    /// Only this tier: secure, community or local
    #[arg(long)]
    tier: Option<Tier>,
    /// Only this supplier; may be given several times
    #[arg(long = "supplier", value_name = "NAME")]
    suppliers: Vec<String>,
    /// Dollars per hour, at most
    #[arg(long, value_name = "DOLLARS")]
    max_price: Option<Money>,
    #[command(flatten)]
    policy: PolicyArgs,
    #[command(flatten)]
    waiting: Waiting,
    /// Print the pod as JSON
    #[arg(long)]
    json: bool,
    /// Run the image's own command; without this and CMD the pod idles and is used by `exec`
    #[arg(long, conflicts_with = "command")]
    image_command: bool,
    /// What to run; the pod ends with it
    #[arg(last = true, value_name = "CMD")]
    command: Vec<String>,
}

/// Runs the command.
pub async fn run(args: PodCreateArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let mut env = std::collections::BTreeMap::new();
    for text in &args.envs {
        let (key, value) = crate::assignment::read(text, "--env")?;
        env.insert(key, value);
    }
    let pod = NewPod {
        name: args.name,
        image: absolute_image(&args.image)?,
        // Without words it is the image's own.
        command: (args.image_command || !args.command.is_empty()).then_some(args.command),
        env,
        gpu: args.gpu,
        gpu_count: args.count,
        min_vram: args.min_vram,
        vcpu_milli: args.cpus,
        memory: args.memory,
        container_disk: args.disk,
        volume_disk: args.volume,
        network_volume: args.network_volume,
        ports: args.ports,
        tier: args.tier,
        suppliers: args.suppliers,
        max_price: args.max_price,
        policy: args.policy.change(Policy::default())?,
    };
    let client = connect::client(settings).await?;
    let pod = client.pod_create(&pod).await?;
    if !args.json {
        say(&format!(
            "pod {} on {} at {}/h",
            pod.id,
            pod.supplier,
            pod.price.hourly.shown()
        ));
    }
    let pod = settle(&client, pod, &args.waiting, Phase::Running).await?;
    if args.json {
        print_json(&pod)?;
        return Ok(Ending::Done);
    }
    let mut out = out();
    writeln!(out, "{}", pod.id)?;
    out.flush()?;
    Ok(Ending::Done)
}

/// A file or directory named from here must be found from the server's directory too.
fn absolute_image(image: &str) -> anyhow::Result<String> {
    for scheme in ["oci:", "docker-archive:"] {
        if let Some(path) = image.strip_prefix(scheme) {
            let path = std::path::absolute(path)?;
            return Ok(format!("{scheme}{}", path.display()));
        }
    }
    Ok(image.to_owned())
}

fn vcpu_milli(text: &str) -> Result<u32, String> {
    let fail = || format!("`{text}` is not a number of virtual CPUs (such as 2 or 0.5)");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if decimals.is_empty() || decimals.len() > 3 || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return Err(fail());
    }
    let whole: u32 = whole.parse().map_err(|_| fail())?;
    let thousandths: u32 = format!("{decimals:0<3}").parse().map_err(|_| fail())?;
    let milli = whole
        .checked_mul(1_000)
        .and_then(|milli| milli.checked_add(thousandths));
    milli.filter(|milli| *milli > 0).ok_or_else(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_read_to_the_thousandth() {
        assert_eq!(vcpu_milli("2"), Ok(2_000));
        assert_eq!(vcpu_milli("0.5"), Ok(500));
        assert_eq!(vcpu_milli("1.125"), Ok(1_125));
        for text in ["", "0", "-1", "1.", "1.2345", "x", "9999999"] {
            assert!(vcpu_milli(text).is_err(), "{text}");
        }
    }
}
