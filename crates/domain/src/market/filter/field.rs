//! The fields that offers are searched and sorted by.

/// A property of an offer that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The GPU's model.
    GpuName,
    /// How many GPUs; 0 for a CPU machine.
    GpuCount,
    /// Memory of one GPU.
    GpuRam,
    /// Memory of all its GPUs.
    GpuTotalRam,
    /// The GPU's architecture.
    GpuArch,
    /// The GPU's CUDA compute capability.
    ComputeCap,
    /// The newest CUDA that still runs on the GPU.
    Cuda,
    /// Tensor throughput of all its GPUs.
    Tflops,
    /// Tensor throughput for a dollar an hour.
    TflopsPerDollar,
    /// Virtual CPUs.
    CpuCores,
    /// Memory of the machine.
    CpuRam,
    /// Disk of the machine.
    DiskSpace,
    /// Price of the whole offer in an hour.
    Price,
    /// Price of one of its GPUs in an hour.
    GpuPrice,
    /// Share of the time that the machine was up.
    Reliability,
    /// Where it stands.
    Region,
    /// Who provides it.
    Supplier,
    /// The instance or machine type.
    Machine,
    /// Datacentre, community or this machine.
    Tier,
    /// How it is sold.
    Sale,
    /// Whether it stands in a datacentre.
    Verified,
    /// Whether it can be rented from here now.
    Rentable,
    /// Price of a GB of disk in a month.
    StorageCost,
    /// Price of a GB that goes out.
    Egress,
    /// Price of a GB that comes in.
    Ingress,
}

/// What the values of a field are, and how they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Count,
    /// A size; a bare number is in GB.
    Size,
    /// Virtual CPUs; parts of one are allowed.
    Cores,
    /// Dollars per hour.
    Hourly,
    /// Dollars per GB and month.
    Monthly,
    /// Dollars per GB.
    PerGb,
    /// A share between 0 and 1, or in per cent.
    Share,
    /// A compute capability: `8.6`, or `860` as Vast.ai writes it.
    Capability,
    /// A version of two numbers.
    Version,
    /// TFLOPS.
    Throughput,
    /// `true` or `false`.
    Flag,
    /// A tier's word.
    Tier,
    /// A word for a way of sale.
    Sale,
    /// A GPU's name in any spelling.
    Model,
    /// A place.
    Region,
    /// A supplier's name.
    Supplier,
    /// Any text, compared whole and without regard to case.
    Text,
}

/// All that is to know about a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldInfo {
    /// The field.
    pub field: Field,
    /// Its name.
    pub name: &'static str,
    /// Other names that are understood: Vast.ai's, RunPod's and the short ones.
    pub also: &'static [&'static str],
    /// What its values are.
    pub kind: Kind,
    /// What it is, in a few words.
    pub about: &'static str,
}

macro_rules! fields {
    ($($field:ident $kind:ident $name:literal [$($also:literal),*] $about:literal;)+) => {
        /// Every field, in the order of [`Field`].
        pub const FIELDS: &[FieldInfo] = &[$(FieldInfo {
            field: Field::$field,
            name: $name,
            also: &[$($also),*],
            kind: Kind::$kind,
            about: $about,
        }),+];
    };
}

fields! {
    GpuName Model "gpu_name" ["gpu", "gpu_model", "gpu_type", "accelerator"] "the GPU, in any spelling; `A100` finds both sizes";
    GpuCount Count "num_gpus" ["gpu_count", "gpus", "count"] "how many GPUs; 0 for a CPU machine";
    GpuRam Size "gpu_ram" ["vram", "gpu_memory", "gpu_mem"] "memory of one GPU, in GB";
    GpuTotalRam Size "gpu_total_ram" ["gpu_totalram", "total_vram"] "memory of all its GPUs, in GB";
    GpuArch Text "gpu_arch" ["arch", "architecture"] "the GPU's architecture, such as Ampere";
    ComputeCap Capability "compute_cap" ["compute_capability", "cuda_cap"] "CUDA compute capability: 8.6, or 860";
    Cuda Version "cuda_vers" ["cuda", "cuda_max_good", "cuda_version"] "the newest CUDA that still runs on the GPU; the driver is checked by the gate";
    Tflops Throughput "tflops" ["total_flops", "flops"] "dense FP16 tensor TFLOPS of all its GPUs";
    TflopsPerDollar Throughput "tflops_usd" ["flops_usd", "flops_per_dphtotal"] "TFLOPS for a dollar an hour";
    CpuCores Cores "cpu_cores" ["vcpu", "vcpus", "cpus", "cores", "cpu_cores_effective"] "virtual CPUs";
    CpuRam Size "cpu_ram" ["ram", "memory", "mem"] "memory of the machine, in GB";
    DiskSpace Size "disk_space" ["disk"] "disk of the machine, in GB";
    Price Hourly "price" ["dph", "dph_total", "dph_base", "hourly", "cost"] "dollars per hour for the whole offer";
    GpuPrice Hourly "gpu_price" ["price_per_gpu", "dph_per_gpu"] "dollars per hour for one of its GPUs";
    Reliability Share "reliability" ["reliability2", "uptime"] "share of the time that the machine was up: 0.95 or 95%";
    Region Region "region" ["geolocation", "location", "geo", "country"] "words of the place, or a continent: EU, NA, SA, AS, AF, OC";
    Supplier Supplier "supplier" ["provider", "cloud"] "who provides it";
    Machine Text "machine" ["machine_type", "instance_type", "instance"] "the instance type, whole";
    Tier Tier "tier" ["cloud_type"] "secure, community or local";
    Sale Sale "sale" ["pricing", "type", "rental"] "on-demand, spot, monthly or serverless";
    Verified Flag "verified" ["datacenter", "secure"] "true for what stands in a datacentre";
    Rentable Flag "rentable" ["live"] "true for what can be rented from here now";
    StorageCost Monthly "storage_cost" ["disk_cost"] "dollars per GB and month of disk";
    Egress PerGb "egress" ["inet_up_cost", "transfer_out"] "dollars per GB that goes out";
    Ingress PerGb "ingress" ["inet_down_cost", "transfer_in"] "dollars per GB that comes in";
}

/// Fields that Vast.ai's search has and other suppliers tell nothing about.
const FOREIGN: &[&str] = &[
    "bw_nvlink",
    "cluster_id",
    "cpu_arch",
    "cpu_ghz",
    "direct_port_count",
    "disk_bw",
    "display_active",
    "dlperf",
    "dlperf_per_dphtotal",
    "dlperf_usd",
    "driver_version",
    "duration",
    "external",
    "gpu_display_active",
    "gpu_frac",
    "gpu_max_power",
    "gpu_max_temp",
    "gpu_mem_bw",
    "has_avx",
    "host_id",
    "id",
    "inet_down",
    "inet_up",
    "machine_id",
    "min_bid",
    "mobo_name",
    "pci_gen",
    "pcie_bw",
    "rented",
    "score",
    "static_ip",
    "ubuntu_version",
    "vms_enabled",
];

impl Field {
    /// Returns what is to know about it.
    pub fn info(self) -> &'static FieldInfo {
        // The table is in the order of the enum, which a test holds.
        &FIELDS[self as usize]
    }

    /// Returns the name that it is printed under.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Returns the field of that name or other name, whatever the case; hyphens are underscores.
    pub fn named(name: &str) -> Option<Self> {
        let name = spelled(name);
        let is_it = |info: &&FieldInfo| info.name == name || info.also.contains(&name.as_str());
        FIELDS.iter().find(is_it).map(|info| info.field)
    }
}

/// Returns why there is no such field, and what to do instead.
pub(in crate::market) fn unknown(name: &str) -> (String, String) {
    let name = spelled(name);
    if FOREIGN.contains(&name.as_str()) {
        let message = format!("`{name}` is something that only Vast.ai tells");
        let hint = "leave it out, or search at Vast.ai itself";
        return (message, hint.to_owned());
    }
    let names = FIELDS
        .iter()
        .flat_map(|info| info.also.iter().chain([&info.name]));
    let hint = match closest(&name, names.copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => {
            let all: Vec<&str> = FIELDS.iter().map(|info| info.name).collect();
            format!("the fields are: {}", all.join(", "))
        }
    };
    (format!("there is no field `{name}`"), hint)
}

/// Returns the word that was probably meant by a text that is none of them.
pub fn closest<'a>(text: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |word: &str| strsim::damerau_levenshtein(text, word);
    // Comparing takes the product of both lengths, so a monster of a word is not compared.
    let near = words.filter(|word| text.len() <= 2 * word.len() + 2);
    let (word, distance) = near
        .map(|word| (word, distance(word)))
        .min_by_key(|(_, d)| *d)?;
    (distance <= (word.len() / 3).max(1)).then_some(word)
}

fn spelled(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

impl Kind {
    /// Returns whether values can be less or more than each other.
    pub const fn is_ordered(self) -> bool {
        match self {
            Self::Count
            | Self::Size
            | Self::Cores
            | Self::Hourly
            | Self::Monthly
            | Self::PerGb
            | Self::Share
            | Self::Capability
            | Self::Version
            | Self::Throughput => true,
            Self::Flag
            | Self::Tier
            | Self::Sale
            | Self::Model
            | Self::Region
            | Self::Supplier
            | Self::Text => false,
        }
    }

    /// Returns whether values are texts, and not numbers or the words of a closed list.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Model | Self::Region | Self::Supplier | Self::Text
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_in_the_order_of_the_fields_and_no_name_is_there_twice() {
        let mut names = BTreeSet::new();
        for (index, info) in FIELDS.iter().enumerate() {
            assert_eq!(info.field as usize, index, "{}", info.name);
            for name in info.also.iter().chain([&info.name]) {
                assert!(names.insert(*name), "{name} is there twice");
                assert!(!FOREIGN.contains(name), "{name}");
                assert_eq!(Field::named(name), Some(info.field));
                assert_eq!(
                    Field::named(&name.to_uppercase().replace('_', "-")),
                    Some(info.field)
                );
            }
        }
    }

    #[test]
    fn what_is_no_field_has_a_reason() {
        assert_eq!(unknown("gpu_rma").1, "did you mean `gpu_ram`?");
        assert_eq!(unknown("prices").1, "did you mean `price`?");
        assert!(unknown("dlperf").0.contains("only Vast.ai"));
        assert!(
            unknown("zzzzzzzz")
                .1
                .starts_with("the fields are: gpu_name, ")
        );
        assert!(
            unknown(&"x".repeat(100_000))
                .1
                .starts_with("the fields are")
        );
    }
}
