//! Serde twins of domain types, for the columns that hold JSON. Domain types are not serde types:
//! what is stored changes only where this file does.

use crate::error::{Error, Result};
use crate::policy_twin::LimitsTwin;
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::job::PodPath;
use livery_domain::offer::{Offer, StoragePrice, SupplierName};
use livery_domain::pod::{NetworkMount, PodOrder, WORKSPACE};
use livery_domain::run::Submission;
use livery_units::{Bytes, Money, Per, Rate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

#[derive(Serialize, Deserialize)]
pub(crate) struct OrderTwin {
    name: String,
    image: String,
    command: Option<Vec<String>>,
    env: BTreeMap<String, String>,
    gpu_count: u32,
    vcpu_milli: u32,
    memory: u64,
    container_disk: u64,
    volume_disk: u64,
    /// Rows from before there were network volumes have none.
    #[serde(default)]
    network_volume: Option<String>,
    /// Rows from before it could be elsewhere have it at the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network_path: Option<String>,
    ports: Vec<u16>,
}

impl From<&PodOrder> for OrderTwin {
    fn from(order: &PodOrder) -> Self {
        let mount = order.network_volume.as_ref();
        Self {
            name: order.name.clone(),
            image: order.image.clone(),
            command: order.command.clone(),
            env: order.env.clone(),
            gpu_count: order.gpu_count,
            vcpu_milli: order.vcpu_milli,
            memory: order.memory.get(),
            container_disk: order.container_disk.get(),
            volume_disk: order.volume_disk.get(),
            network_volume: mount.map(|mount| mount.volume.to_string()),
            network_path: mount.map(|mount| mount.path.to_string()),
            ports: order.ports.clone(),
        }
    }
}

impl TryFrom<OrderTwin> for PodOrder {
    type Error = Error;

    fn try_from(twin: OrderTwin) -> Result<Self> {
        let path = twin.network_path.as_deref().unwrap_or(WORKSPACE);
        let mount = |volume: String| -> Result<NetworkMount> {
            Ok(NetworkMount {
                volume: word(&volume)?,
                path: PodPath::parse(path).map_err(|error| Error::Corrupt(error.to_string()))?,
            })
        };
        Ok(Self {
            name: twin.name,
            image: twin.image,
            command: twin.command,
            env: twin.env,
            gpu_count: twin.gpu_count,
            vcpu_milli: twin.vcpu_milli,
            memory: Bytes::new(twin.memory),
            container_disk: Bytes::new(twin.container_disk),
            volume_disk: Bytes::new(twin.volume_disk),
            network_volume: twin.network_volume.map(mount).transpose()?,
            ports: twin.ports,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct OfferTwin {
    id: String,
    supplier: String,
    host: Option<String>,
    gpus: Option<GpusTwin>,
    vcpu_milli: u32,
    memory: u64,
    disk: u64,
    region: String,
    tier: String,
    pricing: String,
    price: RateTwin,
    /// Rows from before there was a price for storage have none.
    #[serde(default = "StorageTwin::free")]
    storage: StorageTwin,
    reliability_permille: Option<u16>,
}

#[derive(Serialize, Deserialize)]
struct StorageTwin {
    running: RateTwin,
    stopped: RateTwin,
}

impl StorageTwin {
    fn free() -> Self {
        Self {
            running: StoragePrice::FREE.running.into(),
            stopped: StoragePrice::FREE.stopped.into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct GpusTwin {
    model: String,
    count: u32,
    vram: u64,
    reality: RealityTwin,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RealityTwin {
    Real,
    Simulated,
}

impl From<&Offer> for OfferTwin {
    fn from(offer: &Offer) -> Self {
        Self {
            id: offer.id.to_string(),
            supplier: offer.supplier.to_string(),
            host: offer.host.as_ref().map(ToString::to_string),
            gpus: offer.gpus.as_ref().map(|gpus| GpusTwin {
                model: gpus.model.to_string(),
                count: gpus.count,
                vram: gpus.vram.get(),
                reality: match gpus.reality {
                    GpuReality::Real => RealityTwin::Real,
                    GpuReality::Simulated => RealityTwin::Simulated,
                },
            }),
            vcpu_milli: offer.vcpu_milli,
            memory: offer.memory.get(),
            disk: offer.disk.get(),
            region: offer.region.clone(),
            tier: offer.tier.to_string(),
            pricing: offer.pricing.to_string(),
            price: offer.price.into(),
            storage: StorageTwin {
                running: offer.storage.running.into(),
                stopped: offer.storage.stopped.into(),
            },
            reliability_permille: offer.reliability_permille,
        }
    }
}

impl TryFrom<OfferTwin> for Offer {
    type Error = Error;

    fn try_from(twin: OfferTwin) -> Result<Self> {
        Ok(Self {
            id: word(&twin.id)?,
            supplier: SupplierName::new(twin.supplier),
            host: twin.host.as_deref().map(word).transpose()?,
            gpus: twin.gpus.map(|gpus| Gpus {
                model: GpuModel::parse(&gpus.model),
                count: gpus.count,
                vram: Bytes::new(gpus.vram),
                reality: match gpus.reality {
                    RealityTwin::Real => GpuReality::Real,
                    RealityTwin::Simulated => GpuReality::Simulated,
                },
            }),
            vcpu_milli: twin.vcpu_milli,
            memory: Bytes::new(twin.memory),
            disk: Bytes::new(twin.disk),
            region: twin.region,
            tier: word(&twin.tier)?,
            pricing: word(&twin.pricing)?,
            price: twin.price.into(),
            storage: StoragePrice {
                running: twin.storage.running.into(),
                stopped: twin.storage.stopped.into(),
            },
            reliability_permille: twin.reliability_permille,
            // What a pod was launched on is cut already.
            whole: None,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RateTwin {
    nanos: i64,
    per: PerTwin,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PerTwin {
    Second,
    Hour,
    Month,
}

impl From<Rate> for RateTwin {
    fn from(rate: Rate) -> Self {
        Self {
            nanos: rate.amount.nanos(),
            per: match rate.per {
                Per::Second => PerTwin::Second,
                Per::Hour => PerTwin::Hour,
                Per::Month => PerTwin::Month,
            },
        }
    }
}

impl From<RateTwin> for Rate {
    fn from(twin: RateTwin) -> Self {
        Self {
            amount: Money::from_nanos(twin.nanos),
            per: match twin.per {
                PerTwin::Second => Per::Second,
                PerTwin::Hour => Per::Hour,
                PerTwin::Month => Per::Month,
            },
        }
    }
}

/// A submission without its secrets, which have a table of their own.
#[derive(Serialize, Deserialize)]
pub(crate) struct SubmissionTwin {
    job_text: String,
    job_file: String,
    name: Option<String>,
    envs: BTreeMap<String, String>,
    workdir: Option<String>,
    mounts: BTreeMap<String, String>,
    #[serde(default)]
    limits: LimitsTwin,
    /// Rows from before runs could have one have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    volume: Option<String>,
}

impl From<&Submission> for SubmissionTwin {
    fn from(submission: &Submission) -> Self {
        let mounts = submission.mounts.iter();
        Self {
            job_text: submission.job_text.clone(),
            job_file: submission.job_file.clone(),
            name: submission.name.clone(),
            envs: submission.envs.clone(),
            workdir: submission.workdir.map(|hash| hash.to_string()),
            mounts: mounts
                .map(|(to, hash)| (to.clone(), hash.to_string()))
                .collect(),
            limits: LimitsTwin::from(&submission.limits),
            volume: submission.volume.as_ref().map(ToString::to_string),
        }
    }
}

impl TryFrom<SubmissionTwin> for Submission {
    type Error = Error;

    fn try_from(twin: SubmissionTwin) -> Result<Self> {
        let mounts = twin.mounts.into_iter();
        let mounts = mounts.map(|(to, hash)| Ok((to, word(&hash)?)));
        Ok(Self {
            job_text: twin.job_text,
            job_file: twin.job_file,
            name: twin.name,
            envs: twin.envs,
            secrets: BTreeMap::new(),
            workdir: twin.workdir.as_deref().map(word).transpose()?,
            mounts: mounts.collect::<Result<_>>()?,
            limits: twin.limits.try_into()?,
            volume: twin.volume.as_deref().map(word).transpose()?,
        })
    }
}

fn word<T: FromStr<Err: Display>>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: T::Err| Error::Corrupt(error.to_string()))
}
