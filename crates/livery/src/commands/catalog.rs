//! `livery catalog`

use crate::bounded;
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{dollars, out, print_json, say};
use anyhow::Context;
use livery_api::Client;
use livery_api::dto::{Catalogue, HourlyRange, Provider};
use livery_catalogue::{BUNDLE_BYTES_MAX, Bundle, Checksum};
use livery_web::{FetchError, fetch};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Show, export and replace the price list of every provider.
#[derive(Debug, clap::Args)]
pub struct CatalogArgs {
    #[command(subcommand)]
    command: CatalogCommand,
}

#[derive(Debug, clap::Subcommand)]
enum CatalogCommand {
    /// Show which catalogue is in force, and each provider's terms
    Show {
        #[command(flatten)]
        form: Form,
    },
    /// Write the catalogue as a bundle: one TOML file, and its SHA-256 in FILE.sha256
    Export {
        /// Where to; standard output, without a checksum, when left out
        file: Option<PathBuf>,
    },
    /// Put another bundle in its place, or go back to the built-in one
    ///
    /// The bundle's SHA-256 is taken from --sha256, or else from a file beside it whose name ends in
    /// .sha256. A bundle that is not the one of that checksum, or that has any mistake, is rejected
    /// whole.
    Update {
        /// The bundle: a file, or an http or https address
        #[arg(long, value_name = "FILE|URL", required_unless_present = "reset")]
        from: Option<String>,
        /// Its SHA-256 in hexadecimal digits
        #[arg(long, value_name = "HEX", requires = "from")]
        sha256: Option<Checksum>,
        /// Go back to the built-in catalogue
        #[arg(long, conflicts_with = "from")]
        reset: bool,
        #[command(flatten)]
        form: Form,
    },
}

/// Longest file of a checksum.
const SUM_BYTES_MAX: usize = 4 << 10;

/// Runs the command.
pub async fn run(args: CatalogArgs, settings: &Settings) -> anyhow::Result<Ending> {
    match args.command {
        CatalogCommand::Show { form } => {
            let catalogue = connect::client(settings).await?.catalogue().await?;
            show(&catalogue, form)?;
        }
        CatalogCommand::Export { file } => {
            let client = connect::client(settings).await?;
            export(&client, file.as_deref()).await?;
        }
        CatalogCommand::Update {
            from: Some(from),
            sha256,
            form,
            ..
        } => {
            // Read and checked before a control plane is asked or started.
            let (bundle, checksum) = take(&from, sha256).await?;
            let client = connect::client(settings).await?;
            let sum = checksum.to_string();
            let text = bundle.text().as_bytes().to_vec();
            let catalogue = client.catalogue_replace(text, sum).await?;
            said(&catalogue, form)?;
        }
        CatalogCommand::Update { form, .. } => {
            let client = connect::client(settings).await?;
            let catalogue = client.catalogue_reset().await?;
            said(&catalogue, form)?;
        }
    }
    Ok(Ending::Done)
}

/// How it is printed.
#[derive(Debug, Clone, Copy, clap::Args)]
struct Form {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Says which catalogue is in force now.
fn said(catalogue: &Catalogue, form: Form) -> anyhow::Result<()> {
    if form.json {
        return print_json(catalogue);
    }
    let prices: usize = catalogue.providers.iter().map(|one| one.prices).sum();
    let whose = if catalogue.built_in {
        "the built-in catalogue"
    } else {
        "the new catalogue"
    };
    say(&format!(
        "{whose} of {} counts: {} types of GPU, {prices} prices of {} providers",
        catalogue.released,
        catalogue.gpus,
        catalogue.providers.len()
    ));
    if let Some(day) = catalogue.newer_built_in {
        say(&format!(
            "it is older than the built-in one of {day}; `livery catalog update --reset` goes back to that"
        ));
    }
    if let Some(why) = &catalogue.unreadable {
        say(&format!(
            "the bundle that was put in its place cannot be read by this program: {why}\n\
             `livery catalog update` with --from puts another there, or with --reset forgets it"
        ));
    }
    Ok(())
}

fn show(catalogue: &Catalogue, form: Form) -> anyhow::Result<()> {
    if form.json {
        return print_json(catalogue);
    }
    let mut table = Table::new([
        "PROVIDER", "PRICES", "DATED", "NEWEST", "RANGE", "STORAGE", "STOPPED", "VOLUME", "EGRESS",
        "TOP-UP", "TERMS OF",
    ]);
    for provider in &catalogue.providers {
        table.row(cells(provider));
    }
    table.print()?;
    said(catalogue, form)?;
    say("storage, network volumes and egress are per GB; `dated` counts prices older than 30 days");
    say(&format!("SHA-256 {}", catalogue.sha256));
    Ok(())
}

fn cells(provider: &Provider) -> [String; 11] {
    let unknown = || "-".to_owned();
    let price = |price: Option<&livery_api::dto::Price>| {
        price.map_or_else(unknown, |price| dollars::price(price, None))
    };
    let span = |range: &HourlyRange| format!("{}-{}/h", range.low, range.high);
    let tiers = provider.tier_ranges.iter();
    let tiers = tiers.map(|one| format!("{} {}", one.tier, span(&one.range)));
    let ranges: Vec<String> = provider.range.iter().map(span).chain(tiers).collect();
    let range = Some(ranges.join(", ")).filter(|text| !text.is_empty());
    let mark = if provider.terms_dated { " (dated)" } else { "" };
    [
        provider.title.clone(),
        provider.prices.to_string(),
        provider.dated.to_string(),
        provider.newest.map_or_else(unknown, |day| day.to_string()),
        range.unwrap_or_else(unknown),
        price(provider.storage_running.as_ref()),
        price(provider.storage_stopped.as_ref()),
        price(provider.network_volume.as_ref()),
        provider
            .egress
            .map_or_else(unknown, |amount| amount.shown()),
        provider
            .minimum_top_up
            .map_or_else(unknown, |amount| amount.shown()),
        format!("{}{mark}", provider.as_of),
    ]
}

async fn export(client: &Client, file: Option<&Path>) -> anyhow::Result<()> {
    let bytes = client.catalogue_bundle().await?;
    let Some(path) = file else {
        let mut out = out();
        out.write_all(&bytes)?;
        out.flush()?;
        return Ok(());
    };
    let checksum = Bundle::new(bytes.to_vec())?.checksum();
    let cannot = |path: &Path| format!("cannot write {}", path.display());
    std::fs::write(path, &bytes).with_context(|| cannot(path))?;
    let sum = beside(path);
    let name = path.file_name().unwrap_or(path.as_os_str());
    let line = checksum.to_sum_file(&name.to_string_lossy());
    std::fs::write(&sum, line).with_context(|| cannot(&sum))?;
    say(&format!("{} and {}", path.display(), sum.display()));
    Ok(())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".sha256");
    PathBuf::from(name)
}

/// Returns where the checksum of what is at an address is: `.sha256` belongs to the file's name, and
/// what stands behind a `?` goes with it.
fn beside_on_the_web(url: &str) -> String {
    let path_end = url.find(['?', '#']).unwrap_or(url.len());
    let (path, rest) = url.split_at(path_end);
    format!("{path}.sha256{rest}")
}

/// Reads a bundle and its checksum, and checks that they belong together.
async fn take(from: &str, given: Option<Checksum>) -> anyhow::Result<(Bundle, Checksum)> {
    let is_web = from.starts_with("http://") || from.starts_with("https://");
    let source = if is_web {
        Source::Web(from)
    } else {
        Source::File(Path::new(from))
    };
    let bundle = Bundle::new(source.bundle().await?).map_err(wrong)?;
    let checksum = match given {
        Some(checksum) => checksum,
        None => Checksum::from_sum_file(&source.sum().await?).map_err(wrong)?,
    };
    bundle.open(from, checksum).map_err(wrong)?;
    Ok((bundle, checksum))
}

fn wrong(why: livery_catalogue::Error) -> Failure {
    Failure::mistake(why.to_string()).hint("the catalogue stays as it was")
}

/// Where a bundle is read from.
enum Source<'a> {
    Web(&'a str),
    File(&'a Path),
}

const NO_SUM: &str = "a bundle is taken only with its checksum: give it with `--sha256 HEX`, or put what \
                      `sha256sum FILE` prints into FILE.sha256 beside it";

impl Source<'_> {
    async fn bundle(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Web(url) => fetch(url, BUNDLE_BYTES_MAX)
                .await
                .map_err(|why| failed(&why)),
            Self::File(path) => {
                let read = bounded::read(path, BUNDLE_BYTES_MAX);
                let cannot =
                    |why| Failure::mistake(format!("cannot read {}: {why}", path.display()));
                Ok(read.map_err(cannot)?)
            }
        }
    }

    async fn sum(&self) -> anyhow::Result<String> {
        let bytes = match self {
            Self::Web(url) => {
                let fetched = fetch(&beside_on_the_web(url), SUM_BYTES_MAX).await;
                fetched.map_err(|why| Failure::mistake(why.to_string()).hint(NO_SUM))?
            }
            Self::File(path) => {
                let sum = beside(path);
                let cannot = |why| {
                    Failure::mistake(format!("cannot read {}: {why}", sum.display())).hint(NO_SUM)
                };
                bounded::read(&sum, SUM_BYTES_MAX).map_err(cannot)?
            }
        };
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// An address that makes no sense is the user's; everything else may pass.
fn failed(why: &FetchError) -> anyhow::Error {
    let failure = match why {
        FetchError::Address { .. } | FetchError::TooLarge { .. } => {
            Failure::mistake(why.to_string())
        }
        FetchError::Refused { .. } => Failure::mistake(why.to_string()),
        FetchError::Unreachable { .. } => Failure::failed(why.to_string()),
    };
    failure.hint("the catalogue stays as it was").into()
}
