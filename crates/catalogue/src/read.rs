//! From files to a price list: every mistake is found before anything is said.

use crate::check::Checker;
use crate::error::{Error, Mistake};
use crate::providers;
use crate::shape::{GpuShape, Sheet};
use livery_domain::gpu::{GpuModel, is_sold_as};
use livery_domain::market::{Alias, Catalogue, GpuType};
use livery_domain::offer::{SupplierName, Tier};
use livery_units::{Bytes, Day, Rate};
use std::collections::BTreeMap;

/// Everything that the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    /// GPUs, prices and terms.
    pub catalogue: Catalogue,
    /// What providers' prices lie between, as somebody sums it up.
    pub ranges: Vec<TypicalRange>,
}

/// What a provider's prices lie between, whatever the GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypicalRange {
    /// The provider.
    pub supplier: SupplierName,
    /// Only its machines of this tier; none for all.
    pub tier: Option<Tier>,
    /// The lower end.
    pub low: Rate,
    /// The upper end.
    pub high: Rate,
    /// Where that was published.
    pub source: String,
    /// The day on which it stood there.
    pub as_of: Day,
}

/// The only version of the files' shape that there is.
const FORMAT: i64 = 1;

/// A file that could be parsed.
struct Parsed<'a> {
    checker: Checker<'a>,
    sheet: Sheet,
}

/// Reads a price list from its files, each with the name that stands in front of its mistakes.
///
/// # Errors
/// [`Error::Rejected`] with every mistake that was found; then nothing of it is taken.
pub fn read(files: &[(&str, &str)]) -> Result<PriceList, Error> {
    let mut mistakes = Vec::new();
    let mut parsed = Vec::new();
    for (name, text) in files {
        match toml::from_str::<Sheet>(text) {
            Ok(sheet) => parsed.push(Parsed {
                checker: Checker::new(name, text),
                sheet,
            }),
            Err(error) => mistakes.push(unreadable(name, text, &error)),
        }
    }
    // What follows looks names up: with a file missing, every second row would be a mistake.
    if !mistakes.is_empty() {
        return Err(Error::Rejected(mistakes));
    }
    let released = released(&mut parsed);
    let mut list = PriceList {
        catalogue: Catalogue {
            // Without a day there is a mistake, and the list is not returned.
            released: released.unwrap_or(Day::of(livery_units::Timestamp::from_millis(0))),
            gpus: gpus(&mut parsed, released),
            listings: Vec::new(),
            terms: Vec::new(),
        },
        ranges: Vec::new(),
    };
    for file in &mut parsed {
        for provider in &file.sheet.provider {
            providers::read(&mut file.checker, provider, released, &mut list);
        }
    }
    if parsed.iter().all(|file| file.sheet.provider.is_empty())
        && let Some(first) = parsed.first_mut()
    {
        first.checker.wrong(0..0, "there is no provider in it");
    }
    let found = parsed.into_iter().map(|file| file.checker.into_mistakes());
    mistakes.extend(found.flatten());
    match mistakes.is_empty() {
        true => Ok(list),
        false => Err(Error::Rejected(mistakes)),
    }
}

fn unreadable(name: &str, text: &str, error: &toml::de::Error) -> Mistake {
    let at = error.span().map_or(0, |span| span.start);
    let before = text.get(..at).unwrap_or(text);
    Mistake {
        file: name.to_owned(),
        line: before.matches('\n').count() + 1,
        message: error.message().trim().to_owned(),
    }
}

/// The head stands once, wherever.
fn released(files: &mut [Parsed<'_>]) -> Option<Day> {
    let mut found = None;
    let mut formats = 0;
    for file in files.iter_mut() {
        if let Some(format) = &file.sheet.format {
            formats += 1;
            if *format.get_ref() != FORMAT || formats > 1 {
                let message = format!("format: it stands once, and this program reads {FORMAT}");
                file.checker.wrong(format.span(), message);
            }
        }
        if let Some(text) = &file.sheet.released {
            let day = file.checker.parsed::<Day>(text, "released");
            if found.is_some() {
                file.checker.wrong(text.span(), "released: it stands once");
            }
            found = found.or(day);
        }
    }
    if let Some(first) = files.first_mut() {
        if formats == 0 {
            first.checker.wrong(0..0, "`format = 1` is missing");
        }
        if found.is_none() {
            first
                .checker
                .wrong(0..0, "`released`, the day of the release, is missing");
        }
    }
    found
}

fn gpus(files: &mut [Parsed<'_>], released: Option<Day>) -> Vec<GpuType> {
    let mut names: BTreeMap<GpuModel, String> = BTreeMap::new();
    let mut gpus = Vec::new();
    // Canonical names first: an alias must not take the name of a type that comes later.
    for file in files.iter_mut() {
        for shape in &file.sheet.gpu {
            let model = GpuModel::parse(shape.name.get_ref());
            let name = shape.name.get_ref().clone();
            if model.as_str() != name {
                let message = format!("name: `{name}` is written `{model}`");
                file.checker.wrong(shape.name.span(), message);
            }
            if names.insert(model, name.clone()).is_some() {
                let message = format!("name: `{name}` stands twice");
                file.checker.wrong(shape.name.span(), message);
            }
        }
    }
    for file in files.iter_mut() {
        for shape in &file.sheet.gpu {
            gpus.extend(gpu(&mut file.checker, shape, released, &mut names));
        }
    }
    gpus
}

fn gpu(
    checker: &mut Checker<'_>,
    shape: &GpuShape,
    released: Option<Day>,
    names: &mut BTreeMap<GpuModel, String>,
) -> Option<GpuType> {
    let aliases = aliases(checker, shape, names);
    let vram = checker.by(&shape.vram, "vram", size);
    let usable = usable(checker, shape, vram);
    let architecture = checker.words(&shape.architecture, "architecture");
    let compute_capability = checker.maybe(shape.compute.as_ref(), "compute", capability);
    let tflops = checker.maybe(shape.tflops.as_ref(), "tflops", |text| {
        text.parse().map_err(|why| format!("{why}"))
    });
    let source = checker.words(&shape.source, "source");
    let as_of = checker.as_of(&shape.as_of, released);
    Some(GpuType {
        model: GpuModel::parse(shape.name.get_ref()),
        aliases,
        vram: vram?,
        usable,
        architecture: architecture?,
        compute_capability,
        tflops,
        source: source?,
        as_of: as_of?,
    })
}

/// What a driver reports is never more than what is sold, and hardly less.
fn usable(checker: &mut Checker<'_>, shape: &GpuShape, vram: Option<Bytes>) -> Option<Bytes> {
    let text = shape.usable.as_ref()?;
    let usable = checker.by(text, "usable", size)?;
    let sold = vram?;
    if usable > sold || !is_sold_as(usable, sold) {
        let message = format!("usable: {usable} is not what a driver reports of {sold}");
        checker.wrong(text.span(), message);
    }
    Some(usable)
}

/// One spelling means one type, whoever writes it.
fn aliases(
    checker: &mut Checker<'_>,
    shape: &GpuShape,
    names: &mut BTreeMap<GpuModel, String>,
) -> Vec<Alias> {
    let mut all = Vec::new();
    let mut spellings: Vec<(Option<SupplierName>, &crate::shape::Text)> =
        shape.aliases.iter().map(|name| (None, name)).collect();
    for (supplier, called) in &shape.called {
        let supplier = checker.supplier(supplier);
        spellings.extend(called.iter().map(|name| (supplier.clone(), name)));
    }
    for (supplier, name) in spellings {
        let Some(text) = checker.words(name, "alias") else {
            continue;
        };
        let own = shape.name.get_ref();
        let taken = names
            .entry(GpuModel::parse(&text))
            .or_insert_with(|| own.clone());
        if taken != own {
            let message = format!("alias: `{text}` is a name of {taken} already");
            checker.wrong(name.span(), message);
        }
        let name = text;
        all.push(Alias { supplier, name });
    }
    all
}

/// Reads a size, which is not nothing.
pub(crate) fn size(text: &str) -> Result<Bytes, String> {
    let size: Bytes = text.parse().map_err(|why| format!("{why}"))?;
    match size {
        Bytes::ZERO => Err(format!("`{text}` is nothing")),
        size => Ok(size),
    }
}

fn capability(text: &str) -> Result<(u8, u8), String> {
    let parts = text.split_once('.');
    let numbers = parts.map(|(major, minor)| (major.parse(), minor.parse()));
    match numbers {
        Some((Ok(major), Ok(minor))) => Ok((major, minor)),
        Some(_) | None => Err(format!("`{text}` is not a compute capability such as 8.6")),
    }
}
