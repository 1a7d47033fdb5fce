//! A content store that accounts share, of which each sees only what is its own.
//!
//! A blob is stored once, however many own it. An account owns what it has sent and what came home
//! for it. What it does not own is missing to it even if it is there, so a hash tells nobody what
//! others have, and gets nobody their files.
//!
//! ```text
//! store/
//!   owners/acc_…   what an account owns: one record for each blob
//! ```
//!
//! A record that did not reach the disk costs its account that it sends the blob again.

mod holdings;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use livery_units::{AccountId, Bytes, ContentHash, Span};

use crate::{Compression, ContentError, ContentStore, Frame, GcReport};
use holdings::Holdings;
use record::Came;

/// How much an account may own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// As much as the disk takes.
    Unlimited,
    /// So many bytes, as they are before compression, and at most [`BLOBS_MAX`] blobs.
    Limited(Bytes),
}

/// The most blobs that an account with a quota may own: every blob takes memory, however small.
pub const BLOBS_MAX: u64 = 2_000_000;

/// What an account owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holding {
    /// Bytes, as they are before compression.
    pub bytes: Bytes,
    /// Blobs.
    pub blobs: u64,
}

/// For how long what no tree needs is kept after it was used last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ages {
    /// What an account has sent: the run that names it comes later.
    pub sent: Span,
    /// What came home for an account.
    pub home: Span,
    /// What nobody owns: it may be on its way.
    pub unowned: Span,
}

/// A content store that accounts share; see the module.
#[derive(Debug)]
pub struct OwnedContent {
    store: Arc<ContentStore>,
    dir: PathBuf,
    owners: RwLock<HashMap<AccountId, Arc<Mutex<Holdings>>>>,
}

impl OwnedContent {
    /// Opens the store in a directory, making it if it is not there.
    pub fn open(dir: &Path, compression: Compression) -> Result<Self, ContentError> {
        let store = Arc::new(ContentStore::open(dir, compression)?);
        let dir = dir.join("owners");
        fs::create_dir_all(&dir).map_err(ContentError::on("create", &dir))?;
        let mut owners = HashMap::new();
        for entry in fs::read_dir(&dir).map_err(ContentError::on("list", &dir))? {
            let path = entry.map_err(ContentError::on("list", &dir))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            // What is not named after an account is a list that was being written.
            match name.and_then(|name| name.parse::<AccountId>().ok()) {
                Some(owner) => {
                    let holdings = Holdings::read(&path, now_secs())?;
                    owners.insert(owner, Arc::new(Mutex::new(holdings)));
                }
                None => fs::remove_file(&path).map_err(ContentError::on("remove", &path))?,
            }
        }
        Ok(Self {
            store,
            dir,
            owners: RwLock::new(owners),
        })
    }

    /// Returns the blobs themselves, for those who serve all accounts and show nothing to any.
    pub fn store(&self) -> &Arc<ContentStore> {
        &self.store
    }

    /// Returns which of these blobs the account has to send, each once: what is not its own, and
    /// what is not here. Those that are here count as used now.
    pub fn missing(&self, owner: &AccountId, hashes: &[ContentHash]) -> Vec<ContentHash> {
        let now = now_secs();
        let mut own: Vec<ContentHash> = Vec::new();
        let mut missing = Vec::new();
        let holdings = self.of(owner);
        let mut held = locked(&holdings);
        let mut seen = HashSet::with_capacity(hashes.len());
        for hash in hashes.iter().filter(|hash| seen.insert(**hash)) {
            match held.touch(hash, now) {
                true => own.push(*hash),
                false => missing.push(*hash),
            }
        }
        drop(held);
        missing.extend(self.store.missing(&own));
        missing
    }

    /// Returns what the account has to send before the tree is whole here and its own.
    ///
    /// While the manifest is not whole only its own missing blobs are known, so a sender asks again
    /// after sending those.
    pub fn tree_missing(
        &self,
        owner: &AccountId,
        root: &ContentHash,
    ) -> Result<Vec<ContentHash>, ContentError> {
        let missing = |hashes: &[ContentHash]| self.missing(owner, hashes);
        self.store.tree_missing_by(root, missing)
    }

    /// Keeps frames that an account sends, after checking each against its name.
    ///
    /// # Errors
    /// [`ContentError::OverQuota`] or [`ContentError::TooManyBlobs`] when the account would own more
    /// than it may with all of them; nothing is kept then.
    pub fn put_frames(
        &self,
        owner: &AccountId,
        frames: &[Frame],
        quota: Quota,
    ) -> Result<(), ContentError> {
        let mut sized = Vec::with_capacity(frames.len());
        for frame in frames {
            sized.push((*frame.hash(), blob_len(frame.unpack()?.len())));
        }
        let holdings = self.of(owner);
        let promised = locked(&holdings).promise(&sized, quota)?;
        let mut kept = 0;
        let stored = frames.iter().zip(&sized).try_for_each(|(frame, (_, len))| {
            self.store.put_unpacked(frame, *len as usize)?;
            kept += 1;
            Ok(())
        });
        let mut held = locked(&holdings);
        held.unpromise(promised);
        let noted = held.add(&sized[..kept], Came::Sent, now_secs());
        stored.and(noted)
    }

    /// Returns a blob of the account as it is kept; who receives it checks it.
    ///
    /// # Errors
    /// [`ContentError::Missing`] also for what is here and belongs to others.
    pub fn get_frame(&self, owner: &AccountId, hash: &ContentHash) -> Result<Frame, ContentError> {
        let holdings = self.of(owner);
        let is_own = locked(&holdings).touch(hash, now_secs());
        match is_own {
            true => self.store.get_frame(hash),
            false => Err(ContentError::Missing { hash: *hash }),
        }
    }

    /// Makes the blobs of a tree the account's own, because a host made the tree of what it found in
    /// a pod of the account. Its manifest must be here.
    ///
    /// # Errors
    /// [`ContentError::OverQuota`] or [`ContentError::TooManyBlobs`] when that is more than the
    /// account may own.
    pub fn bring_home(
        &self,
        owner: &AccountId,
        root: &ContentHash,
        quota: Quota,
    ) -> Result<(), ContentError> {
        let sized = self.store.tree_sizes(root)?;
        let holdings = self.of(owner);
        let mut held = locked(&holdings);
        let promised = held.promise(&sized, quota)?;
        held.unpromise(promised);
        held.add(&sized, Came::Home, now_secs())
    }

    /// Returns what the account owns.
    pub fn holding(&self, owner: &AccountId) -> Holding {
        locked(&self.of(owner)).holding()
    }

    /// Returns how many more bytes the account may send.
    pub fn room(&self, owner: &AccountId, quota: Quota) -> Result<Bytes, ContentError> {
        let disk = self.store.room()?;
        Ok(match quota {
            Quota::Unlimited => disk,
            Quota::Limited(most) => disk.min(most.saturating_minus(self.holding(owner).bytes)),
        })
    }

    /// Takes from every account what none of its trees needs and it has not used for its age, then
    /// drops what nobody owns. What these trees need is their account's own from then on: a record
    /// that was lost comes back so.
    pub fn sweep(
        &self,
        trees: &BTreeMap<AccountId, Vec<ContentHash>>,
        ages: &Ages,
    ) -> Result<GcReport, ContentError> {
        let mut live = HashSet::new();
        for owner in self.owners_and(trees.keys()) {
            let own = trees.get(&owner).map_or(&[][..], Vec::as_slice);
            self.release(&owner, own, ages)?;
            live.extend(locked(&self.of(&owner)).hashes());
        }
        self.store.gc_but(&live, ages.unowned)
    }

    /// Takes from one account what none of its trees needs and it has not used for its age. The
    /// blobs themselves are dropped by the next sweep.
    pub fn release(
        &self,
        owner: &AccountId,
        trees: &[ContentHash],
        ages: &Ages,
    ) -> Result<(), ContentError> {
        let mut needed = HashMap::new();
        for root in trees {
            // A tree that is not whole here has nothing to give; what its account sent of it ages.
            match self.store.tree_sizes(root) {
                Ok(sized) => needed.extend(sized),
                Err(error) if error.is_about_the_tree() => {}
                Err(error) => return Err(error),
            }
        }
        locked(&self.of(owner)).sweep(&needed, ages, now_secs())
    }

    fn owners_and<'a>(&self, more: impl Iterator<Item = &'a AccountId>) -> BTreeSet<AccountId> {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        let known = owners.keys().cloned();
        known.chain(more.cloned()).collect()
    }

    fn of(&self, owner: &AccountId) -> Arc<Mutex<Holdings>> {
        let owners = self.owners.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = owners.get(owner) {
            return Arc::clone(known);
        }
        drop(owners);
        let mut owners = self.owners.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let path = self.dir.join(owner.as_str());
            Arc::new(Mutex::new(Holdings::none(path)))
        };
        Arc::clone(owners.entry(owner.clone()).or_insert_with(fresh))
    }
}

fn locked(holdings: &Mutex<Holdings>) -> MutexGuard<'_, Holdings> {
    holdings.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a length that is known to be below the limit of a blob.
fn blob_len(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Returns the time by the machine's clock, which is only compared with ages.
fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
