//! `resources`, with its alternatives.

use super::entries::entries;
use super::{Findings, texts};
use crate::amounts::{self, DISK, PORTS_MAX, VRAM};
use crate::code::Code;
use crate::keys::{ALTERNATIVE, RESOURCES, ResourceKey};
use crate::shape::Table;
use crate::tree::{Data, Node, Place};
use livery_domain::job::{Accelerators, Alternatives, Resources};
use livery_domain::offer::Pricing;
use std::collections::BTreeSet;

/// Reads the machine that is needed, or those of which one is.
pub(super) fn resources(node: &Node, findings: &mut Findings<'_>) -> Alternatives {
    let base = one(node, &RESOURCES, Machine::default(), findings);
    match (base.any_of, base.ordered) {
        (None, None) => match base.listed {
            Some(_) => Alternatives::Ordered(each_model(base.resources)),
            None => Alternatives::Any(vec![base.resources]),
        },
        (Some(any_of), Some(ordered)) => {
            let message = "`any_of` and `ordered` contradict each other".to_owned();
            let hint =
                "keep `any_of` to take the cheapest, or `ordered` to try one after the other";
            findings.report(
                Code::Conflict,
                later(&any_of.at, &ordered.at),
                message,
                hint,
            );
            Alternatives::default()
        }
        (Some(any_of), None) => {
            let machines = alternatives(any_of, &base.resources, base.listed.as_ref(), findings);
            for at in machines
                .iter()
                .filter_map(|machine| machine.listed.as_ref())
            {
                list_beside("any_of", at, findings);
            }
            let resources = machines.into_iter().map(|machine| machine.resources);
            or_default(Alternatives::Any(resources.collect()))
        }
        (None, Some(ordered)) => {
            let machines = alternatives(ordered, &base.resources, base.listed.as_ref(), findings);
            let resources = machines
                .into_iter()
                .flat_map(|machine| match machine.listed {
                    Some(_) => each_model(machine.resources),
                    None => vec![machine.resources],
                });
            or_default(Alternatives::Ordered(resources.collect()))
        }
    }
}

/// One machine as its mapping says it.
#[derive(Default)]
struct Machine<'n> {
    resources: Resources,
    /// Where its accelerators are a list, whose order counts.
    listed: Option<Place>,
    any_of: Option<&'n Node>,
    ordered: Option<&'n Node>,
}

fn one<'n>(
    node: &'n Node,
    table: &'static Table,
    mut machine: Machine<'n>,
    findings: &mut Findings<'_>,
) -> Machine<'n> {
    for (key, entry) in entries(node, table, ResourceKey::ALL, findings) {
        let value = &entry.value;
        let (at, text) = (&value.at, value.text());
        let resources = &mut machine.resources;
        match key {
            ResourceKey::Accelerators => {
                resources.accelerators = accelerators(value, findings);
                machine.listed = is_list_of_many(value).then(|| value.at.clone());
            }
            ResourceKey::MinVram => {
                resources.min_vram = findings.take(at, amounts::size(text, "GPU memory", VRAM));
            }
            ResourceKey::Cpus => resources.vcpu_milli = findings.take(at, amounts::cpus(text)),
            ResourceKey::Memory => resources.memory = findings.take(at, amounts::memory(text)),
            ResourceKey::DiskSize => {
                resources.disk_size = findings.take(at, amounts::size(text, "disk", DISK));
            }
            ResourceKey::VolumeSize => {
                resources.volume_size = findings.take(at, amounts::size(text, "disk", DISK));
            }
            ResourceKey::Ports => resources.ports = ports(value, findings),
            ResourceKey::ImageId => resources.image = findings.take(at, texts::image(text)),
            ResourceKey::UseSpot => {
                resources.pricing = match text.to_ascii_lowercase().as_str() {
                    "true" => Pricing::Spot,
                    _ => Pricing::OnDemand,
                };
            }
            ResourceKey::AnyOf => machine.any_of = Some(value),
            ResourceKey::Ordered => machine.ordered = Some(value),
        }
    }
    machine
}

fn alternatives<'n>(
    list: &'n Node,
    base: &Resources,
    base_listed: Option<&Place>,
    findings: &mut Findings<'_>,
) -> Vec<Machine<'n>> {
    if list.items().is_empty() {
        let message = "there is no alternative in this list".to_owned();
        findings.report(
            Code::BadValue,
            &list.at,
            message,
            "name at least one, or take the key away",
        );
    }
    if let Some(at) = base_listed {
        list_beside("any_of` or `ordered", at, findings);
    }
    let machine = |item| {
        let base = Machine {
            resources: base.clone(),
            ..Machine::default()
        };
        one(item, &ALTERNATIVE, base, findings)
    };
    list.items().iter().map(machine).collect()
}

fn list_beside(key: &str, at: &Place, findings: &mut Findings<'_>) {
    let message = format!("a list of accelerators and `{key}` both say what is tried first");
    let hint =
        "write a mapping such as {A100: 8, V100: 4} to take the cheapest, or an alternative each";
    findings.report(Code::Conflict, at, message, hint);
}

/// Mistakes were reported when there is none; what is returned then is not looked at.
fn or_default(alternatives: Alternatives) -> Alternatives {
    if alternatives.as_slice().is_empty() {
        return Alternatives::default();
    }
    alternatives
}

fn each_model(resources: Resources) -> Vec<Resources> {
    let with = |gpus: &Accelerators| Resources {
        accelerators: vec![gpus.clone()],
        ..resources.clone()
    };
    resources.accelerators.iter().map(with).collect()
}

fn is_list_of_many(node: &Node) -> bool {
    match &node.data {
        Data::List(items) => items.len() > 1,
        Data::Scalar(_) | Data::Map(_) => false,
    }
}

fn accelerators(node: &Node, findings: &mut Findings<'_>) -> Vec<Accelerators> {
    let mut all = Vec::new();
    match &node.data {
        Data::Map(entries) => {
            for entry in entries {
                // In `{A100:8, V100:4}`, without spaces, YAML sees two keys without values.
                let text = if entry.value.is_nothing() {
                    entry.key.clone()
                } else {
                    format!("{}:{}", entry.key, entry.value.text())
                };
                all.extend(findings.take(&entry.key_at, amounts::accelerators(&text)));
            }
        }
        Data::Scalar(_) | Data::List(_) => {
            for item in node.items() {
                all.extend(findings.take(&item.at, amounts::accelerators(item.text())));
            }
        }
    }
    let names_none = match &node.data {
        Data::Map(entries) => entries.is_empty(),
        Data::List(items) => items.is_empty(),
        Data::Scalar(_) => false,
    };
    if names_none {
        let message = "no accelerator is named here".to_owned();
        findings.report(
            Code::BadValue,
            &node.at,
            message,
            "name one, or take the key away",
        );
    }
    all
}

fn ports(node: &Node, findings: &mut Findings<'_>) -> Vec<u16> {
    let mut ports: BTreeSet<u16> = BTreeSet::new();
    for item in node.items() {
        let some = findings.take(&item.at, amounts::ports(item.text()));
        ports.extend(some.unwrap_or_default());
        if ports.len() > PORTS_MAX {
            let message = format!("these are more than {PORTS_MAX} ports");
            let hint = "name the ports that the job serves";
            findings.report(Code::OutOfRange, &node.at, message, hint);
            break;
        }
    }
    ports.into_iter().collect()
}

fn later<'p>(a: &'p Place, b: &'p Place) -> &'p Place {
    if a.start > b.start { a } else { b }
}
