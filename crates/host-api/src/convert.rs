//! From what travels to what the domain speaks, and back.

use crate::Error;
use crate::dto;
use livery_domain::account::Tenant;
use livery_domain::gate;
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::offer::Tier;
use livery_domain::pod::{Observed, PodOrder, Usage, WORKSPACE};
use livery_domain::registry::Credentials;
use livery_units::{Bytes, ContentHash, HostId, LaunchKey, Secret, Span, Timestamp};

/// Something that travelled and means nothing to the domain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the host agent sent a {what} that cannot be read: {why}")]
pub struct ConvertError {
    what: &'static str,
    why: String,
}

impl ConvertError {
    fn new(what: &'static str, why: impl ToString) -> Self {
        Self {
            what,
            why: why.to_string(),
        }
    }
}

/// Groups GPUs by what they are, in the order of the machine: `2x RTX 4090, 1x RTX 3090`.
pub fn gpu_groups(gpus: &[dto::Gpu]) -> Vec<Gpus> {
    let mut groups: Vec<Gpus> = Vec::new();
    for gpu in gpus {
        let one = Gpus::from(gpu);
        let same = |group: &&mut Gpus| {
            (&group.model, group.vram, group.reality) == (&one.model, one.vram, one.reality)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.count += 1,
            None => groups.push(one),
        }
    }
    groups
}

impl From<&dto::Gpu> for Gpus {
    fn from(gpu: &dto::Gpu) -> Self {
        let reality = if gpu.simulated {
            GpuReality::Simulated
        } else {
            GpuReality::Real
        };
        Self {
            model: GpuModel::parse(&gpu.name),
            count: 1,
            vram: Bytes::new(gpu.vram),
            reality,
        }
    }
}

impl From<dto::Answer> for gate::Answer {
    fn from(answer: dto::Answer) -> Self {
        if answer.yes {
            return Self::Yes;
        }
        Self::No(answer.why.unwrap_or_else(|| "no reason given".to_owned()))
    }
}

impl From<gate::Answer> for dto::Answer {
    fn from(answer: gate::Answer) -> Self {
        match answer {
            gate::Answer::Yes => Self {
                yes: true,
                why: None,
            },
            gate::Answer::No(why) => Self {
                yes: false,
                why: Some(why),
            },
        }
    }
}

impl dto::Facts {
    /// Reads the gate's facts, with our own clock when they were asked for and when they came. The job's
    /// own commands are judged by their results beside these.
    pub fn found(self, asked: Timestamp, received: Timestamp) -> gate::Found {
        let facts = self;
        let skew = |clock: dto::Clock| {
            let exchange = gate::Exchange {
                asked,
                heard: Timestamp::from_millis(clock.asked_ms),
                answered: Timestamp::from_millis(clock.answered_ms),
                received,
            };
            exchange.skew(clock.pod_less_host_ms)
        };
        gate::Found {
            shell: facts.shell.map(Into::into),
            workspace_mounted: facts.workspace_mounted.map(Into::into),
            workspace_writable: facts.workspace_writable.map(Into::into),
            free_disk: facts.free_disk.map(Bytes::new),
            memory: facts.memory.map(Bytes::new),
            vcpu_milli: facts.vcpu_milli,
            clock_skew: facts.clock.map(skew),
            outbound: facts.outbound.map(Into::into),
            gpus_host: gpu_groups(&facts.gpus_host),
            gpus_pod: gpu_groups(&facts.gpus_pod),
            cuda_driver: facts.cuda_driver.as_deref().and_then(cuda_version),
            cuda_image: facts.cuda_image.as_deref().and_then(cuda_version),
        }
    }
}

/// Reads `12.4` or `12.4.1`; anything else is no version.
fn cuda_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split('.').map(|part| part.trim().parse().ok());
    Some((parts.next()??, parts.next().flatten().unwrap_or(0)))
}

impl From<dto::PodState> for Observed {
    /// What a state on a host means to the control plane; a pod that could not be made is down.
    fn from(state: dto::PodState) -> Self {
        match state {
            dto::PodState::Starting => Self::Starting,
            dto::PodState::Up => Self::Up,
            dto::PodState::Down | dto::PodState::Failed => Self::Down,
            dto::PodState::Lost => Self::Lost,
        }
    }
}

impl dto::HostActivity {
    /// Returns what a pod of this host has used, for the one place that compares it with an earlier
    /// look.
    pub fn usage(&self, pod: &dto::PodActivity) -> Usage {
        Usage {
            host_uptime: Span::from_millis(self.uptime_ms),
            cpu_micros: pod.cpu_usec,
            network: Bytes::new(pod.network_bytes),
            written: Bytes::new(pod.written_bytes),
            gpu_at: pod.gpu_at_ms.map(Span::from_millis),
            session_at: pod.session_at_ms.map(Span::from_millis),
        }
    }
}

impl dto::HostInfo {
    /// Returns the host's id.
    pub fn id(&self) -> Result<HostId, ConvertError> {
        self.host_id
            .parse()
            .map_err(|why| ConvertError::new("host id", why))
    }

    /// Returns where the host stands.
    pub fn tier(&self) -> Result<Tier, ConvertError> {
        self.tier
            .parse()
            .map_err(|why| ConvertError::new("tier", why))
    }

    /// Returns the GPUs that no pod has, grouped by what they are.
    pub fn free_gpus(&self) -> Vec<Gpus> {
        let free = self.gpus.iter().filter(|gpu| gpu.pod.is_none());
        gpu_groups(&free.cloned().collect::<Vec<_>>())
    }
}

impl TryFrom<&dto::Tenant> for Tenant {
    type Error = Error;

    fn try_from(tenant: &dto::Tenant) -> Result<Self, Error> {
        match tenant {
            dto::Tenant::Owner => Ok(Self::Owner),
            dto::Tenant::Account(account) => account.parse().map(Self::Account).map_err(invalid),
        }
    }
}

impl From<&Credentials> for dto::Credentials {
    fn from(known: &Credentials) -> Self {
        Self {
            username: known.username.clone(),
            password: known.password.expose().clone(),
        }
    }
}

impl From<dto::Credentials> for Credentials {
    fn from(known: dto::Credentials) -> Self {
        Self {
            username: known.username,
            password: Secret::new(known.password),
        }
    }
}

impl From<&Tenant> for dto::Tenant {
    fn from(tenant: &Tenant) -> Self {
        match tenant {
            Tenant::Owner => Self::Owner,
            Tenant::Account(account) => Self::Account(account.to_string()),
        }
    }
}

impl dto::PodSpec {
    /// Writes an order down for a host agent.
    pub fn from_order(key: &LaunchKey, tenant: &Tenant, order: &PodOrder, pids: u32) -> Self {
        let mount = order.network_volume.as_ref();
        let elsewhere = mount.filter(|mount| mount.path.as_str() != WORKSPACE);
        Self {
            tenant: tenant.into(),
            launch_key: key.to_string(),
            name: order.name.clone(),
            image: order.image.clone(),
            credentials: None,
            command: order.command.clone(),
            env: order.env.clone(),
            gpu_count: order.gpu_count,
            gpu_model: None,
            vcpu_milli: order.vcpu_milli,
            memory: order.memory.get(),
            container_disk: order.container_disk.get(),
            volume_disk: order.volume_disk.get(),
            network_volume: mount.map(|mount| mount.volume.to_string()),
            network_path: elsewhere.map(|mount| mount.path.to_string()),
            pids,
        }
    }
}

impl dto::Blobs {
    /// Names blobs.
    pub fn from_hashes<'a>(hashes: impl IntoIterator<Item = &'a ContentHash>) -> Self {
        Self {
            hashes: hashes.into_iter().map(ToString::to_string).collect(),
        }
    }

    /// Returns the names of the blobs.
    pub fn to_hashes(&self) -> Result<Vec<ContentHash>, Error> {
        let read = |text: &String| text.parse().map_err(invalid);
        self.hashes.iter().map(read).collect()
    }
}

fn invalid(why: impl ToString) -> Error {
    Error::Invalid(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(index: u32, name: &str) -> dto::Gpu {
        dto::Gpu {
            index,
            uuid: format!("GPU-{index}"),
            name: name.to_owned(),
            vram: 24 << 30,
            simulated: false,
            pod: None,
        }
    }

    #[test]
    fn gpus_are_grouped_by_what_they_are() {
        let gpus = [
            gpu(0, "NVIDIA GeForce RTX 4090"),
            gpu(1, "RTX 3090"),
            gpu(2, "RTX 4090"),
            dto::Gpu {
                simulated: true,
                ..gpu(3, "RTX 4090")
            },
        ];
        let shown: Vec<String> = gpu_groups(&gpus).iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["2x RTX 4090", "1x RTX 3090", "1x RTX 4090 (simulated)"]
        );
    }

    #[test]
    fn facts_reach_the_gate() {
        let facts = dto::Facts {
            shell: Some(gate::Answer::Yes.into()),
            outbound: Some(gate::Answer::No("no route".into()).into()),
            clock: Some(dto::Clock {
                asked_ms: 8_600,
                answered_ms: 68_700,
                pod_less_host_ms: -100,
            }),
            cuda_driver: Some("12.8".into()),
            cuda_image: Some("11".into()),
            gpus_host: vec![gpu(0, "RTX 4090")],
            ..dto::Facts::default()
        };
        // A minute of checks; the network took half a second at most.
        let at = Timestamp::from_millis;
        let found = facts.found(at(10_000), at(70_500));
        assert_eq!(found.shell, Some(gate::Answer::Yes));
        assert_eq!(found.outbound, Some(gate::Answer::No("no route".into())));
        assert_eq!(found.clock_skew, Some(Span::from_millis(1_500)));
        assert_eq!(found.cuda_driver, Some((12, 8)));
        assert_eq!(found.cuda_image, Some((11, 0)));
        assert_eq!(found.gpus_host.len(), 1);
        assert_eq!(found.free_disk, None);
    }
}
