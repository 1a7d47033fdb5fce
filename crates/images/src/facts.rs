//! What is remembered of a layer besides its content: what it was unpacked from, where that was had,
//! and who has had it. It decides who may use a layer that is here without fetching it again.

use std::collections::BTreeSet;
use std::fs;
use std::io;

use livery_domain::account::Tenant;

use crate::Error;
use crate::disk::Disk;
use crate::layer::{Blob, Digest, Layer};

/// What is remembered of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Facts {
    /// Bytes that were unpacked to it, proven by their digests.
    blobs: BTreeSet<KnownBlob>,
    /// Repositories that sent such bytes.
    origins: BTreeSet<Origin>,
    /// Who has had it, as [`tenant_key`] names them.
    tenants: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
struct KnownBlob {
    digest: String,
    size: u64,
}

/// A repository of a registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub(crate) struct Origin {
    /// The registry, as images name it.
    pub registry: String,
    /// The repository in it.
    pub repository: String,
}

/// What follows from the facts for somebody who just read a manifest that names the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// They may use it.
    Granted,
    /// They may if the manifest's registry says that the bytes are in their repository.
    AskRegistry,
    /// They have to fetch it like everybody else.
    Fetch,
}

impl Facts {
    /// Decides whether a tenant may use the layer that is here.
    ///
    /// The manifest must name bytes that are known to unpack to it: the writer of a manifest could
    /// name any content as theirs. The owner may then use all that is here, which they could read on
    /// the disk. Others may if they have had it before, or if it came from the repository whose
    /// manifest they just read. Where it came from another repository of the same registry, that
    /// registry is asked; any other registry could say what it likes about the bytes of strangers.
    pub fn leave(&self, layer: &Layer, tenant: &Tenant, origin: Option<&Origin>) -> Leave {
        let is_known = |blob: &Blob| self.blobs.contains(&KnownBlob::of(blob));
        if !layer.blob.as_ref().is_none_or(is_known) {
            return Leave::Fetch;
        }
        match (tenant, origin) {
            (Tenant::Owner, _) => Leave::Granted,
            (Tenant::Account(_), _) if self.tenants.contains(&tenant_key(tenant)) => Leave::Granted,
            (Tenant::Account(_), Some(origin)) if self.origins.contains(origin) => Leave::Granted,
            (Tenant::Account(_), Some(origin)) => {
                let is_same = |one: &Origin| one.registry == origin.registry;
                match self.origins.iter().any(is_same) {
                    true => Leave::AskRegistry,
                    false => Leave::Fetch,
                }
            }
            (Tenant::Account(_), None) => Leave::Fetch,
        }
    }

    /// Notes that bytes from somewhere were unpacked to the layer.
    pub fn fetched(&mut self, layer: &Layer, origin: Option<&Origin>) {
        self.blobs.extend(layer.blob.as_ref().map(KnownBlob::of));
        self.origins.extend(origin.cloned());
    }

    /// Notes that a tenant has it; returns whether that is new.
    pub fn granted(&mut self, tenant: &Tenant) -> bool {
        self.tenants.insert(tenant_key(tenant))
    }
}

impl KnownBlob {
    fn of(blob: &Blob) -> Self {
        Self {
            digest: blob.digest.as_str().to_owned(),
            size: blob.size,
        }
    }
}

/// Names a tenant on disk; no account's id is `owner`.
pub(crate) fn tenant_key(tenant: &Tenant) -> String {
    match tenant {
        Tenant::Owner => "owner".to_owned(),
        Tenant::Account(account) => account.to_string(),
    }
}

impl Disk {
    /// Returns what is remembered of a layer. Facts that cannot be read are none: then it is fetched
    /// again.
    pub fn facts(&self, diff_id: &Digest) -> Result<Facts, Error> {
        let path = self.facts_path(diff_id);
        match fs::read(&path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Facts::default()),
            Err(e) => Err(Error::io("read", &path)(e)),
        }
    }

    /// Remembers facts in place of the older ones.
    pub fn save_facts(&self, diff_id: &Digest, facts: &Facts) -> Result<(), Error> {
        self.save(&self.facts_path(diff_id), facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livery_units::AccountId;

    fn layer(blob: u8) -> Layer {
        Layer {
            blob: Some(Blob {
                digest: Digest::of(&[blob]),
                size: u64::from(blob),
            }),
            diff_id: Digest::of(b"layer"),
        }
    }

    fn origin(registry: &str, repository: &str) -> Origin {
        Origin {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
        }
    }

    #[test]
    fn only_who_may_have_a_layer_gets_it_from_here() {
        let account = |number| Tenant::Account(AccountId::from_entropy(number));
        let (ann, bob) = (account(1), account(2));
        let home = origin("ghcr.io", "ann/private");
        let mut facts = Facts::default();
        facts.fetched(&layer(1), Some(&home));
        assert!(facts.granted(&ann) && !facts.granted(&ann));
        let other_size = Layer {
            blob: Some(Blob {
                size: 2,
                ..layer(1).blob.unwrap()
            }),
            ..layer(1)
        };
        for (who, named, from, wanted) in [
            (&ann, &layer(1), "ghcr.io ann/private", Leave::Granted),
            (&ann, &layer(1), "quay.io ann/copy", Leave::Granted),
            // Bob reads the repository that it came from.
            (&bob, &layer(1), "ghcr.io ann/private", Leave::Granted),
            (&bob, &layer(1), "ghcr.io bob/x", Leave::AskRegistry),
            (&bob, &layer(1), "evil.example ann/private", Leave::Fetch),
            (&Tenant::Owner, &layer(1), "quay.io x/y", Leave::Granted),
            // Bytes that nobody has seen to unpack to it, or of another size.
            (&ann, &layer(2), "ghcr.io ann/private", Leave::Fetch),
            (
                &Tenant::Owner,
                &layer(2),
                "ghcr.io ann/private",
                Leave::Fetch,
            ),
            (&ann, &other_size, "ghcr.io ann/private", Leave::Fetch),
        ] {
            let (registry, repository) = from.split_once(' ').unwrap();
            let from = origin(registry, repository);
            assert_eq!(
                facts.leave(named, who, Some(&from)),
                wanted,
                "{who:?} {from:?}"
            );
        }
        // Files of the machine are its owner's.
        assert_eq!(facts.leave(&layer(1), &bob, None), Leave::Fetch);
        let unnamed = Layer {
            blob: None,
            ..layer(1)
        };
        assert_eq!(facts.leave(&unnamed, &Tenant::Owner, None), Leave::Granted);
    }
}
