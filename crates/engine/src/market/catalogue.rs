//! The catalogue that counts: the built-in one, or the bundle that was put in its place.

use super::MarketError;
use crate::error::Error;
use livery_catalogue::{Bundle, Checksum, PriceList, built_in};
use livery_store::Store;
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
}

/// Keeps the catalogue that was read last. The store says which one counts, so that several control
/// planes on one database agree, and a restart changes nothing.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    last: Mutex<Option<Catalogued>>,
}

impl Keeper {
    /// Returns the catalogue in force; it is read only when it is another one than last time.
    pub(crate) async fn current(&self, store: &Store) -> Result<Catalogued, Error> {
        let mut last = self.last.lock().await;
        let named = store.setting_get(IN_FORCE).await?;
        let found = match (&*last, &named) {
            (Some(known), None) if known.origin == CatalogueOrigin::BuiltIn => known.clone(),
            (Some(known), Some(named)) if known.checksum.to_string() == *named => known.clone(),
            (_, None) => brought_along()?,
            (_, Some(named)) => stored(store, named).await?,
        };
        *last = Some(found.clone());
        Ok(found)
    }

    /// Puts a bundle in the catalogue's place.
    pub(crate) async fn replace(
        &self,
        store: &Store,
        bundle: Bundle,
        checksum: Checksum,
    ) -> Result<Catalogued, Error> {
        let list = bundle.open("bundle", checksum).map_err(MarketError::from)?;
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
        };
        *last = Some(found.clone());
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
        *last = Some(found.clone());
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
    })
}

/// Reads the stored bundle. One that a newer or older program stored may be no list to this one:
/// prices are then those that came along, and the log says so.
async fn stored(store: &Store, name: &str) -> Result<Catalogued, Error> {
    let text = store.setting_get(&place(name)).await?;
    match opened(text.unwrap_or_default(), name) {
        Ok(found) => Ok(found),
        Err(error) => {
            tracing::warn!(%error, "the stored catalogue cannot be read; the built-in one counts");
            brought_along()
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
    })
}
