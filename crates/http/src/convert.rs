//! From what travels to what the engine takes.

use crate::error::Refusal;
use livery_api::dto;
use livery_domain::env::{self, EnvError};
use livery_domain::gpu::GpuModel;
use livery_domain::job::{JobVolume, JobVolumeError};
use livery_domain::offer::{Pricing, SupplierName};
use livery_domain::placement::{GpuNeed, Need};
use livery_domain::run::Submission;
use livery_engine::{NewPod, TaskStatus, Which};
use livery_units::{Bytes, Secret};
use std::collections::BTreeMap;

/// The word that asks for machines without a GPU.
const NO_GPU: &str = "none";

pub(crate) fn which(query: dto::Which) -> Which {
    match query {
        dto::Which::Live => Which::Live,
        dto::Which::All => Which::All,
    }
}

pub(crate) fn offer_need(query: &dto::OfferQuery) -> Result<Need, Refusal> {
    let suppliers = query.suppliers.as_deref().unwrap_or_default().split(',');
    let suppliers = suppliers.map(str::trim).filter(|name| !name.is_empty());
    Ok(Need {
        gpus: gpu_need(query.gpu.as_deref(), query.count, GpuNeed::Whatever)?,
        vram: query.min_vram.unwrap_or(Bytes::ZERO),
        vcpu_milli: query.min_vcpu_milli.unwrap_or(0),
        memory: query.min_memory.unwrap_or(Bytes::ZERO),
        disk: query.min_disk.unwrap_or(Bytes::ZERO),
        tiers: query.tier.into_iter().collect(),
        pricing: query.pricing.unwrap_or(Pricing::OnDemand),
        suppliers: suppliers.map(SupplierName::new).collect(),
        hourly_max: query.max_price,
        host: None,
    })
}

fn gpu_need(model: Option<&str>, count: Option<u32>, neither: GpuNeed) -> Result<GpuNeed, Refusal> {
    match (model.map(str::trim), count) {
        (None, None) => Ok(neither),
        (None, Some(0)) => Ok(GpuNeed::None),
        (Some(model), None | Some(0)) if model.eq_ignore_ascii_case(NO_GPU) => Ok(GpuNeed::None),
        (Some(model), Some(_)) if model.eq_ignore_ascii_case(NO_GPU) => Err(Refusal::bad_request(
            "a machine without a GPU has no count of GPUs",
        )),
        (None, Some(count)) => Ok(GpuNeed::Any(count)),
        (Some(""), _) => Err(Refusal::bad_request("the GPU model is empty")),
        (Some(_), Some(0)) => Err(Refusal::bad_request("no GPU of a model makes no sense")),
        (Some(model), count) => Ok(GpuNeed::Model(GpuModel::parse(model), count.unwrap_or(1))),
    }
}

pub(crate) fn new_pod(pod: dto::NewPod) -> Result<NewPod, Refusal> {
    let suppliers = pod.suppliers.into_iter().map(SupplierName::new);
    let need = Need {
        gpus: gpu_need(pod.gpu.as_deref(), pod.gpu_count, GpuNeed::None)?,
        vram: pod.min_vram.unwrap_or(Bytes::ZERO),
        vcpu_milli: pod.vcpu_milli.unwrap_or(0),
        memory: pod.memory.unwrap_or(Bytes::ZERO),
        disk: Bytes::ZERO,
        tiers: pod.tier.into_iter().collect(),
        pricing: Pricing::OnDemand,
        suppliers: suppliers.collect(),
        hourly_max: pod.max_price,
        host: None,
    };
    Ok(NewPod {
        name: pod.name,
        image: pod.image,
        command: pod.command,
        env: environment(pod.env)?,
        need,
        container_disk: pod.container_disk,
        volume_disk: pod.volume_disk,
        network_volume: volume("network_volume", pod.network_volume)?,
        ports: pod.ports,
        policy: pod.policy.into(),
    })
}

pub(crate) fn submission(sent: dto::Submission) -> Result<Submission, Refusal> {
    let mut mounts = BTreeMap::new();
    for (dest, hash) in sent.mounts {
        let hash = hash.parse();
        let hash = hash.map_err(|error: livery_units::ParseHashError| {
            Refusal::bad_request(&format!("mounts: {dest}: {error}"))
        })?;
        mounts.insert(dest, hash);
    }
    let secrets = sent.secrets.into_iter();
    Ok(Submission {
        job_text: sent.job_text,
        job_file: sent.job_file,
        name: sent.name,
        envs: sent.envs,
        secrets: secrets
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
        workdir: sent.workdir,
        mounts,
        limits: sent.limits.into(),
        volume: volume("volume", sent.volume)?,
    })
}

/// Reads `NAME` or `NAME:PATH`.
fn volume(what: &str, text: Option<String>) -> Result<Option<JobVolume>, Refusal> {
    let read = text.as_deref().map(str::parse).transpose();
    read.map_err(|error: JobVolumeError| Refusal::bad_request(&format!("{what}: {error}")))
}

/// Takes what a process can be given; everything else would fail when it starts, or be another
/// variable than the one that was meant.
fn environment(env: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Refusal> {
    let refused = |error: EnvError| Refusal::bad_request(&format!("env: {error}"));
    env::check(&env).map_err(refused)?;
    Ok(env)
}

pub(crate) fn exec_spec(spec: dto::ExecSpec) -> Result<livery_host_api::dto::ExecSpec, Refusal> {
    Ok(livery_host_api::dto::ExecSpec {
        argv: spec.argv,
        env: environment(spec.env)?,
        workdir: spec.workdir,
        tty: spec.tty.map(|size| livery_host_api::dto::Window {
            columns: size.columns,
            rows: size.rows,
        }),
    })
}

pub(crate) fn stats(stats: livery_host_api::dto::Stats) -> dto::Stats {
    dto::Stats {
        cpu_usec: stats.cpu_usec,
        memory: stats.memory,
        memory_peak: stats.memory_peak,
        pids: stats.pids,
        container_disk_used: stats.container_disk_used,
        volume_disk_used: stats.volume_disk_used,
        rx_bytes: stats.rx_bytes,
        tx_bytes: stats.tx_bytes,
    }
}

pub(crate) fn task(task: TaskStatus) -> dto::TaskStatus {
    dto::TaskStatus {
        name: task.name,
        period_ms: task.period.millis(),
        activations: task.activations,
        began: task.began,
        took_ms: task.took.map(livery_units::Span::millis),
        report: task.result,
    }
}

pub(crate) fn ranking(ranking: livery_domain::placement::Ranking) -> dto::Offers {
    let misfit = |(offer, why): (livery_domain::offer::Offer, _)| dto::Misfit {
        offer: offer.into(),
        why: livery_domain::placement::Misfit::to_string(&why),
    };
    dto::Offers {
        offers: ranking
            .fits
            .into_iter()
            .map(|fit| fit.offer.into())
            .collect(),
        misfits: ranking.misfits.into_iter().map(misfit).collect(),
        untold: dto::Untold::default(),
    }
}

/// Carries what a filter could not check.
pub(crate) fn untold(untold: livery_domain::market::Untold) -> dto::Untold {
    let field = |(field, rows): (livery_domain::market::Field, usize)| dto::UntoldField {
        field: field.name().to_owned(),
        rows,
    };
    dto::Untold {
        rows: untold.rows,
        fields: untold.fields.into_iter().map(field).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_no_process_can_have_is_refused() {
        for (name, value) in [("A=B", "x"), ("", "x"), ("A", "x\0")] {
            let env: BTreeMap<String, String> = [(name.to_owned(), value.to_owned())].into();
            let pod = dto::NewPod {
                image: "host".to_owned(),
                env: env.clone(),
                ..dto::NewPod::default()
            };
            assert!(new_pod(pod).is_err(), "{name:?}");
            let exec = dto::ExecSpec {
                argv: vec!["true".to_owned()],
                env,
                workdir: None,
                tty: None,
            };
            assert!(exec_spec(exec).is_err(), "{name:?}");
        }
    }
}
