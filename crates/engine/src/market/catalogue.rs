//! The catalogue that counts: the built-in one, or the bundle that was put in its place.

use super::MarketError;
use crate::error::Error;
use livery_catalogue::{Bundle, Checksum, PriceList, built_in};
use livery_store::Store;
use livery_units::{Day, Timestamp};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The setting that has the checksum of the bundle in force.
const IN_FORCE: &str = "catalogue";

/// Where a catalogue is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatalogueOrigin {
    /// It came with the program.
    BuiltIn,
    /// A bundle was put in its place.
    Replaced,
}

/// The catalogue as it stands.
#[derive(Debug, Clone)]
pub struct Catalogued {
    /// What it says.
    pub list: Arc<PriceList>,
    /// Where it is from.
    pub origin: CatalogueOrigin,
    /// The bundle.
    pub bundle: Arc<Bundle>,
    /// Its checksum.
    pub checksum: Checksum,
    /// Why the bundle that was put in the built-in one's place does not count, when it does not.
    pub unreadable: Option<String>,
}

/// Keeps the catalogue that was read last. The store says which one counts, so that several control
/// planes on one database agree, and a restart changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    last: Mutex<Option<Last>>,
}

/// What was read last, under the name that the store had for it: a bundle that cannot be read is not
/// tried again at every question.
#[derive(Debug)]
struct Last {
    name: Option<String>,
    found: Catalogued,
}

impl Catalogued {
    /// Returns the day of the built-in list, when the one that counts is older.
    pub fn newer_built_in(&self) -> Option<Day> {
        let built_in = built_in().ok()?.catalogue.released;
        (self.list.catalogue.released < built_in).then_some(built_in)
    }
}

impl Keeper {
    /// Returns the catalogue in force; it is read only when it is another one than last time.
    pub(crate) async fn current(&self, store: &Store) -> Result<Catalogued, Error> {
        let mut last = self.last.lock().await;
        let named = store.setting_get(IN_FORCE).await?;
        if let Some(known) = last.as_ref().filter(|known| known.name == named) {
            return Ok(known.found.clone());
        }
        let found = match &named {
            None => brought_along()?,
            Some(named) => stored(store, named).await?,
        };
        *last = Some(Last {
            name: named,
            found: found.clone(),
        });
        Ok(found)
    }

    /// Puts a bundle in the catalogue's place, unless it is of a day that has not begun anywhere.
    pub(crate) async fn replace(
        &self,
        store: &Store,
        bundle: Bundle,
        checksum: Checksum,
        now: Timestamp,
    ) -> Result<Catalogued, Error> {
        let list = bundle.open("bundle", checksum).map_err(MarketError::from)?;
        let (released, today) = (list.catalogue.released, Day::of(now));
        // Its figures would not be dated for as long as that. A clock that is behind the program's own
        // list is wrong itself.
        let own = built_in().map_err(MarketError::from)?.catalogue.released;
        if released > today.max(own).next() {
            return Err(MarketError::NotYet { released, today }.into());
        }
        let mut last = self.last.lock().await;
        let before = store.setting_get(IN_FORCE).await?;
        let name = checksum.to_string();
        // The text first: the name of a bundle that is not there would leave no catalogue at all.
        store.setting_set(&place(&name), bundle.text()).await?;
        store.setting_set(IN_FORCE, &name).await?;
        if let Some(before) = before.filter(|before| *before != name) {
            store.setting_delete(&place(&before)).await?;
        }
        let found = Catalogued {
            list: Arc::new(list),
            origin: CatalogueOrigin::Replaced,
            bundle: Arc::new(bundle),
            checksum,
            unreadable: None,
        };
        *last = Some(Last {
            name: Some(name),
            found: found.clone(),
        });
        Ok(found)
    }

    /// Goes back to the built-in one.
    pub(crate) async fn reset(&self, store: &Store) -> Result<Catalogued, Error> {
        let mut last = self.last.lock().await;
        let before = store.setting_get(IN_FORCE).await?;
        store.setting_delete(IN_FORCE).await?;
        if let Some(before) = before {
            store.setting_delete(&place(&before)).await?;
        }
        let found = brought_along()?;
        *last = Some(Last {
            name: None,
            found: found.clone(),
        });
        Ok(found)
    }
}

fn place(checksum: &str) -> String {
    format!("{IN_FORCE}.{checksum}")
}

fn brought_along() -> Result<Catalogued, Error> {
    let bundle = Bundle::built_in();
    Ok(Catalogued {
        list: built_in().map_err(MarketError::from)?,
        origin: CatalogueOrigin::BuiltIn,
        checksum: bundle.checksum(),
        bundle: Arc::new(bundle),
        unreadable: None,
    })
}

/// Reads the stored bundle. One that a newer or older program stored may be no list to this one:
/// prices are then those that came along, and the log and whoever asks for the catalogue are told.
async fn stored(store: &Store, name: &str) -> Result<Catalogued, Error> {
    let text = store.setting_get(&place(name)).await?;
    match opened(text.unwrap_or_default(), name) {
        Ok(found) => Ok(found),
        Err(error) => {
            tracing::warn!(%error, "the stored catalogue cannot be read; the built-in one counts");
            Ok(Catalogued {
                unreadable: Some(error.to_string()),
                ..brought_along()?
            })
        }
    }
}

fn opened(text: String, name: &str) -> Result<Catalogued, livery_catalogue::Error> {
    let checksum: Checksum = name.parse()?;
    let bundle = Bundle::new(text.into_bytes())?;
    Ok(Catalogued {
        list: Arc::new(bundle.open("the stored bundle", checksum)?),
        origin: CatalogueOrigin::Replaced,
        checksum,
        bundle: Arc::new(bundle),
        unreadable: None,
    })
}
