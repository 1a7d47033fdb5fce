//! GPUs as NVIDIA's driver library reports them; a machine without it has none.

use livery_domain::pod::GPU_NOISE_PERCENT;
use livery_host_api::dto::Gpu;
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use std::ffi::OsStr;
use std::fmt;

/// The library's name wherever a driver is installed; the one without the 1 comes with headers.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// NVIDIA's driver library, loaded.
pub(super) struct Driver {
    nvml: Nvml,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}

impl Driver {
    /// Loads the library; none where there is no driver, which is no error.
    pub fn load() -> Option<Self> {
        match Nvml::builder().lib_path(OsStr::new(LIBRARY)).init() {
            Ok(nvml) => Some(Self { nvml }),
            Err(NvmlError::LibloadingError(_) | NvmlError::DriverNotLoaded) => None,
            Err(error) => {
                tracing::warn!(%error, "the GPU driver is installed but does not answer");
                None
            }
        }
    }

    /// Returns the driver's version.
    pub fn version(&self) -> Option<String> {
        self.nvml.sys_driver_version().ok()
    }

    /// Returns the newest CUDA that the driver supports, as `major.minor`.
    pub fn cuda(&self) -> Option<String> {
        let version = self.nvml.sys_cuda_driver_version().ok()?;
        let major = nvml_wrapper::cuda_driver_version_major(version);
        let minor = nvml_wrapper::cuda_driver_version_minor(version);
        Some(format!("{major}.{minor}"))
    }

    /// Returns all GPUs; one that does not answer, for it fell off the bus, is left out.
    pub fn gpus(&self) -> Vec<Gpu> {
        let count = self.nvml.device_count().unwrap_or(0);
        (0..count)
            .filter_map(|index| {
                let gpu = self.gpu(index);
                if let Err(error) = &gpu {
                    tracing::warn!(index, %error, "a GPU does not answer and is not offered");
                }
                gpu.ok()
            })
            .collect()
    }

    /// Returns whether a GPU worked in the last second. One that cannot tell (it is partitioned)
    /// works as long as a process computes on it.
    pub fn works(&self, index: u32) -> bool {
        let Ok(device) = self.nvml.device_by_index(index) else {
            return false;
        };
        match device.utilization_rates() {
            Ok(rates) => rates.gpu > GPU_NOISE_PERCENT,
            Err(_) => device
                .running_compute_processes_count()
                .is_ok_and(|count| count > 0),
        }
    }

    fn gpu(&self, index: u32) -> Result<Gpu, NvmlError> {
        let device = self.nvml.device_by_index(index)?;
        Ok(Gpu {
            index,
            uuid: device.uuid()?,
            name: device.name()?,
            vram: device.memory_info()?.total,
            simulated: false,
            pod: None,
        })
    }
}
