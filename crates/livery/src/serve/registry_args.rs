//! What the owner of a machine says about registries of images.

use livery_agent::{Mirror, Registries, RegistryHost};

/// What the owner of a machine says about registries of images.
#[derive(Debug, Clone, clap::Args)]
pub struct RegistryArgs {
    /// A registry, HOST:PORT, that is spoken to in plain HTTP; may be given several times
    #[arg(long, value_name = "HOST:PORT")]
    insecure_registry: Vec<RegistryHost>,
    /// A registry that pods of all accounts may use although it is not on the public internet; may
    /// be given several times
    #[arg(long, value_name = "HOST[:PORT]")]
    registry_allow: Vec<RegistryHost>,
    /// A mirror of Docker Hub that is asked before it; may be given several times, in order
    #[arg(long, value_name = "URL")]
    registry_mirror: Vec<Mirror>,
}

impl RegistryArgs {
    /// Returns what they say.
    pub fn registries(&self) -> Registries {
        Registries {
            insecure: self.insecure_registry.clone(),
            allowed: self.registry_allow.clone(),
            mirrors: self.registry_mirror.clone(),
        }
    }
}
