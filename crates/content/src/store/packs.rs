//! Small blobs: many in one file, found by an index in memory.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use livery_units::ContentHash;

use super::pack_file::{self, Check, MAGIC, MAGIC_LEN, Record};
use super::{Presence, Recovery};
use crate::{ContentError, Encoding};

/// A pack that has grown to this is closed and the next begun.
const PACK_LEN: u32 = 64 << 20;

#[derive(Debug)]
pub(super) struct Packs {
    dir: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) index: HashMap<ContentHash, Slot>,
    pub(super) files: HashMap<u32, Arc<File>>,
    active: Option<Active>,
    last: u32,
}

/// Where a blob is, and when it was last asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) pack: u32,
    pub(super) record: Record,
    pub(super) used_secs: u64,
}

/// The pack that is being written.
#[derive(Debug)]
struct Active {
    number: u32,
    file: Arc<File>,
    len: u32,
    records: Vec<Record>,
}

impl Packs {
    /// Reads the indexes of all packs, cuts off torn tails, and goes on with the last open one.
    pub(super) fn open(dir: &Path, recovery: &mut Recovery) -> Result<Self, ContentError> {
        let packs = Self {
            dir: dir.to_owned(),
            state: Mutex::new(State::default()),
        };
        for number in packs.numbers()? {
            packs.open_one(number, recovery)?;
        }
        Ok(packs)
    }

    pub(super) fn contains(&self, hash: &ContentHash) -> bool {
        self.state().index.contains_key(hash)
    }

    pub(super) fn touch(&self, hash: &ContentHash) -> Presence {
        match self.state().index.get_mut(hash) {
            None => Presence::Absent,
            Some(slot) => {
                slot.used_secs = now_secs();
                Presence::Here
            }
        }
    }

    /// Makes a blob unknown; its bytes stay in the pack until that is swept.
    pub(super) fn forget(&self, hash: &ContentHash) {
        self.state().index.remove(hash);
    }

    pub(super) fn read(
        &self,
        hash: &ContentHash,
    ) -> Result<Option<(Encoding, Bytes)>, ContentError> {
        let (file, slot) = {
            let state = self.state();
            let Some(slot) = state.index.get(hash).copied() else {
                return Ok(None);
            };
            let Some(file) = state.files.get(&slot.pack) else {
                return Ok(None);
            };
            (Arc::clone(file), slot)
        };
        let body = pack_file::read(&file, &self.path(slot.pack), &slot.record)?;
        Ok(Some((slot.record.encoding, body)))
    }

    pub(super) fn append(
        &self,
        hash: &ContentHash,
        encoding: Encoding,
        body: &[u8],
    ) -> Result<(), ContentError> {
        let (bytes, body_at) = pack_file::encode(hash, encoding, body);
        let mut state = self.state();
        let state = &mut *state;
        if state.active.is_none() {
            state.active = Some(self.begin(state.last + 1)?);
        }
        // It was put there just above if it was not there before.
        let Some(active) = &mut state.active else {
            return Ok(());
        };
        state.last = active.number;
        state.files.insert(active.number, Arc::clone(&active.file));
        let path = self.path(active.number);
        if let Err(error) = active.file.write_all_at(&bytes, u64::from(active.len)) {
            let cut = active.file.set_len(u64::from(active.len));
            if cut.is_err() {
                // The next blob begins a new pack; the next opening cuts this one's torn tail.
                state.active = None;
            }
            return Err(ContentError::io("write", &path, error));
        }
        let record = Record {
            hash: *hash,
            encoding,
            offset: active.len + body_at,
            // A body is below 64 KiB, so both numbers always fit.
            len: u32::try_from(body.len()).unwrap_or(u32::MAX),
        };
        active.len += u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        active.records.push(record);
        let slot = Slot {
            pack: active.number,
            record,
            used_secs: now_secs(),
        };
        state.index.insert(*hash, slot);
        match active.len >= PACK_LEN {
            true => self.close(state),
            false => Ok(()),
        }
    }

    /// Ends the pack that is being written, so that a sweep can look at it.
    pub(super) fn close_active(&self) -> Result<(), ContentError> {
        self.close(&mut self.state())
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn path(&self, number: u32) -> PathBuf {
        self.dir.join(format!("{number:08}.pack"))
    }

    fn close(&self, state: &mut State) -> Result<(), ContentError> {
        let Some(active) = state.active.take() else {
            return Ok(());
        };
        let path = self.path(active.number);
        // The index is believed without reading the pack, so the pack must be on the disk first.
        active
            .file
            .sync_data()
            .map_err(ContentError::on("flush", &path))?;
        match pack_file::write_index(&path, &active.records) {
            // Without an index the pack is read at the next opening; nothing is lost.
            Ok(()) | Err(ContentError::DiskFull { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn begin(&self, number: u32) -> Result<Active, ContentError> {
        let path = self.path(number);
        let created = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let file = created.map_err(ContentError::on("create", &path))?;
        if let Err(error) = file.write_all_at(MAGIC, 0) {
            // An empty pack does no harm; the same number is tried again.
            let _ = fs::remove_file(&path);
            return Err(ContentError::io("write", &path, error));
        }
        Ok(Active {
            number,
            file: Arc::new(file),
            len: MAGIC_LEN,
            records: Vec::new(),
        })
    }

    fn open_one(&self, number: u32, recovery: &mut Recovery) -> Result<(), ContentError> {
        let path = self.path(number);
        let mut state = self.state();
        let mut unfinished = None;
        let records = match pack_file::read_index(&path) {
            Some(records) => records,
            None => {
                let depth = match recovery.unflushed_since() {
                    Some(_) => Check::All,
                    None => Check::Last,
                };
                let contents = pack_file::scan(&path, depth)?;
                recovery.cut_bytes += pack_file::cut(&path, contents.end)?;
                unfinished = Some(contents.end);
                contents.records
            }
        };
        state.last = number;
        state.active = None;
        if unfinished == Some(0) {
            // Not even its magic is whole.
            return fs::remove_file(&path).map_err(ContentError::on("remove", &path));
        }
        let open = File::options().read(true).write(true).open(&path);
        let file = Arc::new(open.map_err(ContentError::on("open", &path))?);
        let used_secs = now_secs();
        for record in &records {
            let slot = Slot {
                pack: number,
                record: *record,
                used_secs,
            };
            state.index.insert(record.hash, slot);
        }
        state.files.insert(number, Arc::clone(&file));
        // Numbers come in order, so the last pack without an index is the one to go on with.
        state.active = match unfinished {
            Some(len) if len < PACK_LEN => Some(Active {
                number,
                file,
                len,
                records,
            }),
            Some(_) | None => None,
        };
        Ok(())
    }

    fn numbers(&self) -> Result<Vec<u32>, ContentError> {
        let io = |error| ContentError::io("list", &self.dir, error);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(io)? {
            let path = entry.map_err(io)?.path();
            if path.extension().is_some_and(|ext| ext == "pack") {
                let stem = path.file_stem().and_then(|stem| stem.to_str());
                numbers.extend(stem.and_then(|stem| stem.parse::<u32>().ok()));
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// Returns the time by the machine's clock, which is only compared with a minimum age.
pub(super) fn now_secs() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
