//! More of a world: disks of its own, and processes that are looked after one by one.

use super::leftovers::DISK_FILE;
use super::until;
use super::world::{START_PATIENCE, Shape, Victim, World};
use std::fs;
use std::os::unix::net::UnixStream;
use std::process::Command;

impl World {
    /// In one process, with its data on a disk of that many mebibytes.
    pub fn on_a_disk_of(mebibytes: u32) -> Option<Self> {
        let world = Self::prepare(Shape::OneProcess, &[])?;
        fs::create_dir(world.data()).unwrap();
        let size = std::ffi::CString::new(format!("size={mebibytes}m,mode=700")).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("tmpfs", world.data(), "tmpfs", flags, size.as_c_str()).unwrap();
        world.bring_up();
        Some(world)
    }

    /// With all its data, the agent's too, on a file system of that many mebibytes in a file.
    pub fn on_a_file_system_of(mebibytes: u32, shape: Shape) -> Option<Self> {
        let mut world = Self::prepare(shape, &[])?;
        world.agent_data = world.data();
        fs::create_dir(world.data()).unwrap();
        let disk = world.path().join(DISK_FILE);
        let file = fs::File::create(&disk).unwrap();
        file.set_len(u64::from(mebibytes) << 20).unwrap();
        let mut format = Command::new("mkfs.ext4");
        format.arg("-q").arg(&disk);
        let mut mount = Command::new("mount");
        mount.arg("-oloop").arg(&disk).arg(world.data());
        for command in [&mut format, &mut mount] {
            let ran = command.output().unwrap();
            assert!(ran.status.success(), "{command:?}: {ran:?}");
        }
        world.bring_up();
        Some(world)
    }

    /// Returns whether a process listens, without waiting for its answer.
    pub fn listens(&self, victim: Victim) -> bool {
        let socket = match victim {
            Victim::ControlPlane => self.socket(),
            Victim::Agent => self.agent_socket(),
        };
        UnixStream::connect(socket).is_ok()
    }

    /// Returns whether a process was started and neither killed nor seen to have ended.
    pub fn has(&self, victim: Victim) -> bool {
        match victim {
            Victim::ControlPlane => self.control_plane.borrow().is_some(),
            Victim::Agent => self.agent.borrow().is_some(),
        }
    }

    /// Returns what a process said that has ended without having been killed; it is then started anew
    /// by whatever brings it up.
    pub fn ended_unasked(&self, victim: Victim) -> Option<String> {
        let place = match victim {
            Victim::ControlPlane => &self.control_plane,
            Victim::Agent => &self.agent,
        };
        let has_ended = place.borrow_mut().as_mut()?.has_ended();
        let process = has_ended.then(|| place.take())??;
        let ran = process.finish();
        Some(format!("{victim:?} ended with {:?}: {}", ran.code, ran.err))
    }

    /// Returns the processes that a world has.
    pub fn processes(&self) -> &'static [Victim] {
        match self.shape {
            Shape::OneProcess => &[Victim::ControlPlane],
            Shape::TwoProcesses => &[Victim::ControlPlane, Victim::Agent],
        }
    }

    /// Starts the control plane without waiting for its host, and runs a command.
    #[track_caller]
    pub fn ok_without_host(&self, arguments: &[&str]) -> String {
        self.start_processes();
        until("the control plane answers", START_PATIENCE, || {
            let ran = self.livery(arguments);
            (ran.code == Some(0)).then_some(ran.out)
        })
    }

    /// Starts the control plane again after it was asked to end.
    pub fn bring_up_again(&self) {
        let ended = self.control_plane.take().unwrap().finish();
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        self.bring_up();
    }
}
