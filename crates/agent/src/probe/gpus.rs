//! The pod's GPUs, by the host's driver library and by `nvidia-smi` inside.

use super::PATIENCE;
use super::captured::run;
use crate::agent::Core;
use crate::pods::Pod;
use livery_host_api::Error;
use livery_host_api::dto::Gpu;
use std::sync::Arc;

const QUERY: [&str; 3] = [
    "nvidia-smi",
    "--query-gpu=index,uuid,name,memory.total",
    "--format=csv,noheader,nounits",
];

/// What was found of a pod's GPUs.
#[derive(Debug, Default)]
pub(super) struct Gpus {
    pub host: Vec<Gpu>,
    pub pod: Vec<Gpu>,
    /// The driver's CUDA, as `major.minor`.
    pub driver: Option<String>,
    /// The image's, as `major.minor`.
    pub image: Option<String>,
}

/// Finds the GPUs that the pod was given, as they answer now.
pub(super) async fn find(core: &Arc<Core>, pod: &Pod) -> Result<Gpus, Error> {
    let record = pod.record();
    let mut found = Gpus {
        image: record.cuda_required,
        ..Gpus::default()
    };
    if record.gpus.is_empty() {
        return Ok(found);
    }
    let given: Vec<String> = record.gpus.iter().map(|gpu| gpu.uuid.clone()).collect();
    let id = pod.id.to_string();
    (found.host, found.driver) = core
        .blocking(move |core| {
            let mut gpus = core.gpus.gpus();
            gpus.retain(|gpu| given.contains(&gpu.uuid));
            for gpu in &mut gpus {
                gpu.pod = Some(id.clone());
            }
            Ok((gpus, core.gpus.cuda()))
        })
        .await?;
    let argv = QUERY.map(str::to_owned);
    let captured = run(core, &pod.id, &argv, PATIENCE).await?;
    if captured.exit_code == Some(0) {
        let text = captured.text();
        found.pod = text.lines().filter_map(parse_line).collect();
    }
    Ok(found)
}

/// Reads `0, GPU-…, NVIDIA GeForce RTX 4090, 24564`, the memory in MiB.
fn parse_line(line: &str) -> Option<Gpu> {
    let mut fields = line.split(',').map(str::trim);
    Some(Gpu {
        index: fields.next()?.parse().ok()?,
        uuid: fields.next()?.to_owned(),
        name: fields.next()?.to_owned(),
        vram: fields.next()?.parse::<u64>().ok()? << 20,
        simulated: false,
        pod: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nvidia_smi_is_read_and_its_complaints_are_not() {
        let gpu = parse_line("0, GPU-1, NVIDIA H200, 143771").unwrap();
        assert_eq!((gpu.index, gpu.vram), (0, 143_771 << 20));
        assert_eq!(gpu.name, "NVIDIA H200");
        for bad in ["No devices were found", "", "0, GPU-1, X, [N/A]"] {
            assert_eq!(parse_line(bad), None, "{bad}");
        }
    }
}
