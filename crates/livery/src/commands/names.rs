//! Names in a question that nobody bears, and what was probably meant.

use crate::ui::say;
use livery_api::Client;
use livery_domain::gpu::GpuModel;
use livery_domain::market::{Filter, Kind, closest, is_same_supplier};

/// Says that nothing has that name, and which one was probably meant.
pub fn unknown<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a str>) -> String {
    let hint = closest(name, all).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    format!("no {what} is called `{name}`{hint}")
}

/// Says which types of GPU and providers a filter names that nobody knows: it finds nothing by them. A
/// control plane that does not answer that has answered what was asked, so nothing is said then.
pub async fn say_unknown(client: &Client, filter: Option<&str>) {
    let Some(Ok(filter)) = filter.map(Filter::parse) else {
        return;
    };
    let models = filter.names(Kind::Model);
    if let (false, Ok(list)) = (models.is_empty(), client.gpus().await) {
        for model in models {
            let wanted = GpuModel::parse(model);
            let is_it = |name: &String| GpuModel::parse(name).satisfies(&wanted);
            let of =
                |gpu: &livery_api::dto::GpuType| is_it(&gpu.name) || gpu.aliases.iter().any(is_it);
            if !list.gpus.iter().any(of) {
                let names = list.gpus.iter().map(|gpu| gpu.name.as_str());
                say(&unknown("type of GPU", model, names));
            }
        }
    }
    let suppliers = filter.names(Kind::Supplier);
    if let (false, Ok(catalogue)) = (suppliers.is_empty(), client.catalogue().await) {
        for supplier in suppliers {
            let names = || catalogue.providers.iter().map(|one| one.name.as_str());
            if !names().any(|name| is_same_supplier(name, supplier)) {
                say(&unknown("provider", supplier, names()));
            }
        }
    }
}
