//! Where a round takes place.

use crate::database::Server;
use crate::support::World;
use crate::support::world::Shape;
use std::fmt;

/// Where a round takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Control plane and agent in one process.
    Embedded,
    /// In two processes.
    Separate,
    /// In one process, with its data on a small disk that is filled and freed.
    SmallDisk,
    /// In two processes on one such disk.
    SharedSmallDisk,
    /// In two processes, with a PostgreSQL that stands still, stops and starts.
    Database,
}

/// Room for two runs and a pod, and little more.
const SMALL_DISK_MIB: u32 = 4_000;

impl Place {
    /// All, in the order in which rounds go through them.
    pub const ALL: [Self; 5] = [
        Self::Embedded,
        Self::Separate,
        Self::SmallDisk,
        Self::Database,
        Self::SharedSmallDisk,
    ];

    /// Returns where a round takes place, counted from zero.
    pub fn of_round(number: u32) -> Self {
        let all = Self::ALL.len();
        Self::ALL[usize::try_from(number).unwrap() % all]
    }

    /// Makes the world, with its database if it has one.
    pub fn build(self) -> (World, Option<Server>) {
        let world = match self {
            Self::Embedded => World::new(),
            Self::Separate => World::in_two_processes(),
            Self::SmallDisk => World::on_a_file_system_of(SMALL_DISK_MIB, Shape::OneProcess),
            Self::SharedSmallDisk => {
                World::on_a_file_system_of(SMALL_DISK_MIB, Shape::TwoProcesses)
            }
            Self::Database => {
                let server = Server::start();
                let world = World::on_database(&server.url());
                return (world.unwrap(), Some(server));
            }
        };
        (world.unwrap(), None)
    }

    /// Returns whether the place has a disk that can be filled.
    pub fn has_small_disk(self) -> bool {
        match self {
            Self::SmallDisk | Self::SharedSmallDisk => true,
            Self::Embedded | Self::Separate | Self::Database => false,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Embedded => "one process",
            Self::Separate => "two processes",
            Self::SmallDisk => "one, small disk",
            Self::SharedSmallDisk => "two, small disk",
            Self::Database => "two, PostgreSQL",
        })
    }
}
