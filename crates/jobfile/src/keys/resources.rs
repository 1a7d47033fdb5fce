//! The keys of `resources`.

use super::{foreign, keys};
use crate::code::Code;
use crate::shape::{Key, Shape, Table};

keys! {
    /// Keys of `resources`; the last two are not among those of an alternative.
    ResourceKey as KEYS {
        Accelerators = "accelerators", ACCELERATORS, ["RTX4090:1", "A100-80GB", "{A100: 8, V100: 4}", "[L4:1, H100:1]"],
            "GPUs: `MODEL` or `MODEL:COUNT`. A mapping names several of which the cheapest is taken; a list is tried in its order.";
        MinVram = "min_vram", NUMBER_OR_TEXT, ["24GB", "80"],
            "Memory that each GPU must have at least. Without `accelerators`, one GPU of any model.";
        Cpus = "cpus", NUMBER_OR_TEXT, ["4+", "8", "0.5"],
            "Virtual CPUs: `4` for exactly four, `4+` for at least four.";
        Memory = "memory", NUMBER_OR_TEXT, ["16+", "32GB", "512MB+"],
            "Memory, in GB if no unit is given: `16` for exactly that much, `16+` for at least.";
        DiskSize = "disk_size", NUMBER_OR_TEXT, ["50", "100GB"],
            "Size of the container disk, and of /workspace unless `volume_size` says otherwise.";
        VolumeSize = "volume_size", NUMBER_OR_TEXT, ["200GB", "1TB"],
            "Size of the disk that is mounted at /workspace.";
        Ports = "ports", PORTS, ["8080", "8080-8090", "[22, 6006, 8080-8090]"],
            "TCP ports that the job serves: a port, a range, or a list of both.";
        ImageId = "image_id", Shape::OneOf(&[Shape::Text, PER_REGION]), ["docker:ubuntu:22.04", "pytorch/pytorch:latest", "host"],
            "Container image: a registry reference with or without `docker:`, `oci:/DIR[:TAG]`, `docker-archive:/FILE`, or `host` for this machine's own system.";
        UseSpot = "use_spot", Shape::Switch, ["true", "false"],
            "Whether a cheaper machine that may be taken away is wanted.";
        AnyOf = "any_of", ALTERNATIVES, ["\n  - accelerators: RTX4090:1\n  - accelerators: L4:2"],
            "Alternatives of which the cheapest is taken; each adds to or replaces what stands beside `any_of`.";
        Ordered = "ordered", ALTERNATIVES, ["\n  - accelerators: H100:1\n  - accelerators: A100:1"],
            "Alternatives that are tried in their order; each adds to or replaces what stands beside `ordered`.";
    }
}

const NUMBER_OR_TEXT: Shape = Shape::OneOf(&[Shape::Number, Shape::Text]);

/// SkyPilot can name an image per region there.
const PER_REGION: Shape = Shape::Refused(
    Code::ForeignKey,
    "SkyPilot's images per region are not supported by Livery",
    "name one container image, for example `image_id: docker:ubuntu:22.04`",
);

/// The most GPUs that one machine can have, by far.
pub(crate) const GPU_COUNT_MAX: i64 = 64;

const ACCELERATORS: Shape = Shape::OneOf(&[
    Shape::Text,
    Shape::Map(&Shape::OneOf(&[
        Shape::Integer(1, GPU_COUNT_MAX),
        Shape::Nothing,
    ])),
    Shape::List(&Shape::Text),
]);

const PORT: Shape = Shape::OneOf(&[Shape::Integer(1, 65_535), Shape::Text]);

const PORTS: Shape = Shape::OneOf(&[Shape::Integer(1, 65_535), Shape::Text, Shape::List(&PORT)]);

const ALTERNATIVES: Shape = Shape::List(&Shape::Table(|| &ALTERNATIVE));

/// The keys that an alternative has too: all but `any_of` and `ordered`.
static ALTERNATIVE_KEYS: &[Key] = KEYS.split_at(KEYS.len() - 2).0;

pub(crate) static RESOURCES: Table = Table {
    name: "resources",
    doc: "The machine that the job needs. Everything is optional.",
    keys: KEYS,
    needed: &[],
    foreign: foreign::RESOURCES,
    meant: foreign::RESOURCES_MEANT,
};

pub(crate) static ALTERNATIVE: Table = Table {
    name: "alternative",
    doc: "One machine that would do.",
    keys: ALTERNATIVE_KEYS,
    needed: &[],
    foreign: foreign::RESOURCES,
    meant: foreign::RESOURCES_MEANT,
};
