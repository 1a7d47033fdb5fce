//! By what the other control planes of a database know this one.

use super::control_plane::ControlPlane;
use crate::config::install;
use anyhow::Context;
use livery_engine::Plane;
use livery_units::PlaneId;
use std::fs;
use std::io;

/// Returns the id that lies with the data, for it says whose those are, and how people find this control
/// plane. The first start draws the id.
pub fn named(plane: &ControlPlane) -> anyhow::Result<Plane> {
    let path = plane.place.data_dir.join("plane-id");
    let id = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse().with_context(|| {
            let path = path.display();
            format!("{path} holds something else than a control plane's id; remove it")
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = PlaneId::from_entropy(rand::random());
            install::private(&path, id.as_str().as_bytes())?;
            id
        }
        Err(error) => return Err(error).context(format!("{} cannot be read", path.display())),
    };
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let (socket, machine) = (plane.place.socket.display(), machine.trim());
    let urls = plane.listen.iter().map(|address| {
        if address.ip().is_unspecified() {
            format!("http://{machine}:{}", address.port())
        } else {
            format!("http://{address}")
        }
    });
    let ways: Vec<String> = urls.chain([format!("{socket} on {machine}")]).collect();
    let name = ways.join(" or ");
    Ok(Plane { id, name })
}
