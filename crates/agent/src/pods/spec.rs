//! From what was asked for and what the image says to what the runtime makes.

use super::Record;
use livery_domain::account::Tenant;
use livery_host_api::Error;
use livery_host_api::dto::PodSpec;
use livery_images::{ImageConfig, Prepared, Root};
use livery_runtime::cdi::Devices;
use livery_runtime::net::Reach;
use livery_runtime::{NetworkMode, Rootfs, Volume};
use livery_units::{Bytes, PodId};
use std::path::PathBuf;

/// Where the volume disk is mounted.
pub(crate) const WORKSPACE: &str = "/workspace";

/// Returns whose pod it is.
pub(crate) fn tenant_of(spec: &PodSpec) -> Result<Tenant, Error> {
    Tenant::try_from(&spec.tenant)
}

/// Describes a pod for the runtime.
pub(crate) fn of(
    id: &PodId,
    record: &Record,
    image: &Prepared,
    devices: Devices,
    log_limit: Bytes,
) -> Result<livery_runtime::PodSpec, Error> {
    let spec = &record.spec;
    let config = &image.config;
    let (volume, beside) = volumes(spec)?;
    Ok(livery_runtime::PodSpec {
        id: id.clone(),
        rootfs: match &image.root {
            Root::Host => Rootfs::Host,
            Root::Layers(layers) => Rootfs::Layers(layers.clone()),
        },
        hostname: host_name(&spec.name),
        command: command(spec, config)?,
        env: environment(record, config),
        workdir: (!config.workdir.is_empty()).then(|| PathBuf::from(&config.workdir)),
        user: config.user.clone(),
        milli_cpus: spec.vcpu_milli,
        memory: Bytes::new(spec.memory),
        pids: spec.pids,
        container_disk: Bytes::new(spec.container_disk),
        volume,
        beside,
        // Data loaders pass batches through it; what they do not use costs nothing.
        shm: Bytes::new(spec.memory / 2),
        devices,
        network: NetworkMode::Own(reach(&tenant_of(spec)?)),
        dns: Vec::new(),
        log_limit,
    })
}

/// The networks around this machine are its owner's: the pods of others get no further than to the
/// internet.
fn reach(tenant: &Tenant) -> Reach {
    match tenant {
        Tenant::Owner => Reach::Everything,
        Tenant::Account(_) => Reach::Internet,
    }
}

/// Returns the disk at the workspace and what is mounted beside it: a network volume at the workspace
/// takes the place of the pod's own disk.
fn volumes(spec: &PodSpec) -> Result<(Option<Volume>, Option<Volume>), Error> {
    let path = spec.network_path.as_deref().unwrap_or(WORKSPACE);
    let network = spec.network_volume.as_deref().map(crate::volumes::parse);
    let network = network.transpose()?.map(|network| Volume {
        size: Bytes::ZERO,
        mount_path: PathBuf::from(path),
        network: Some(network),
    });
    let own = (spec.volume_disk > 0).then(|| Volume {
        size: Bytes::new(spec.volume_disk),
        mount_path: PathBuf::from(WORKSPACE),
        network: None,
    });
    match (own, network) {
        (own, Some(network)) if path != WORKSPACE => Ok((own, Some(network))),
        (Some(_), Some(_)) => {
            let text = "a pod has a volume disk or a network volume at /workspace, not both";
            Err(Error::Invalid(text.to_owned()))
        }
        (own, network) => Ok((own.or(network), None)),
    }
}

/// Returns the number of a user and its group as far as the text gives them: names are the image's
/// own business, and root may do everything in there.
pub(crate) fn user_id(user: &str) -> (u32, u32) {
    let (user, group) = user.split_once(':').unwrap_or((user, ""));
    let uid: u32 = user.parse().unwrap_or(0);
    (uid, group.parse().unwrap_or(uid))
}

fn command(spec: &PodSpec, config: &ImageConfig) -> Result<Option<Vec<String>>, Error> {
    let Some(command) = &spec.command else {
        return Ok(None);
    };
    if !command.is_empty() {
        return Ok(Some(command.clone()));
    }
    let own: Vec<String> = config
        .entrypoint
        .iter()
        .chain(&config.cmd)
        .cloned()
        .collect();
    if own.is_empty() {
        let text = format!("image {} has no command of its own; give one", spec.image);
        return Err(Error::Invalid(text));
    }
    Ok(Some(own))
}

/// The image's variables, then the user's, which win, then what the GPUs' libraries look for.
fn environment(record: &Record, config: &ImageConfig) -> Vec<(String, String)> {
    let user = &record.spec.env;
    let mut env: Vec<_> = config
        .env
        .iter()
        .filter(|(name, _)| !user.contains_key(name))
        .cloned()
        .collect();
    env.extend(
        user.iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let real = record.gpus.iter().filter(|gpu| !gpu.simulated);
    let uuids: Vec<&str> = real.map(|gpu| gpu.uuid.as_str()).collect();
    if !uuids.is_empty() && !user.contains_key("NVIDIA_VISIBLE_DEVICES") {
        env.retain(|(name, _)| name != "NVIDIA_VISIBLE_DEVICES");
        env.push(("NVIDIA_VISIBLE_DEVICES".to_owned(), uuids.join(",")));
    }
    env
}

/// Makes a host name of what the user called the pod.
fn host_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = name.chars().take(63).map(plain).collect();
    let name = name.trim_matches('-');
    if name.is_empty() {
        "pod".to_owned()
    } else {
        name.to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_a_host_name() {
        assert_eq!(host_name("My train_1"), "my-train-1");
        assert_eq!(host_name("--ä--"), "pod");
        assert_eq!(host_name(&"x".repeat(100)).len(), 63);
    }

    #[test]
    fn the_pods_of_others_reach_no_network_around_the_machine() {
        assert_eq!(reach(&Tenant::Owner), Reach::Everything);
        let other = Tenant::Account("acc_x".parse().unwrap());
        assert_eq!(reach(&other), Reach::Internet);
    }

    #[test]
    fn users_are_read_as_far_as_they_are_numbers() {
        assert_eq!(user_id(""), (0, 0));
        assert_eq!(user_id("1000"), (1000, 1000));
        assert_eq!(user_id("1000:50"), (1000, 50));
        assert_eq!(user_id("node:node"), (0, 0));
    }
}
