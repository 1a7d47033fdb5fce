//! `livery advise`

use super::offers_all;
use crate::connect;
use crate::failure::{Ending, Failure};
use crate::settings::Settings;
use crate::ui::table::Table;
use crate::ui::{out, print_json};
use livery_api::dto::{Advice, AdviceQuestion, Gpus, Machine};
use livery_domain::gpu::GpuModel;
use livery_domain::market::{Method, Params};
use livery_units::Bytes;
use std::io::Write;

/// Say whether this machine will do for a training, and which GPU is the cheapest that will.
///
/// Memory is reckoned part by part: weights, what is trained, activations, overhead. This machine
/// is the one that the command runs on.
#[derive(Debug, clap::Args)]
pub struct AdviseArgs {
    /// What is to be trained
    #[arg(long, value_enum)]
    task: TaskName,
    /// The size of a language model, such as 7B or 350M
    #[arg(long, value_name = "COUNT", required_if_eq("task", "llm-finetune"))]
    params: Option<Params>,
    /// How much of a language model is trained: full, lora or qlora
    #[arg(long, default_value = "lora")]
    method: Method,
    /// Tokens in a sequence
    #[arg(long, value_name = "TOKENS", default_value = "2048", value_parser = clap::value_parser!(u32).range(1..))]
    context: u32,
    /// Ask for a machine with these GPUs instead of this one, such as `RTX 3060` or `RTX 4090:2`;
    /// `apple` for a Mac, `none` for none
    #[arg(long, value_name = "GPUS")]
    have: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum TaskName {
    /// A LoRA for Stable Diffusion XL
    SdxlLora,
    /// A LoRA for Flux
    FluxLora,
    /// A language model, further
    LlmFinetune,
}

impl TaskName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::SdxlLora => "sdxl-lora",
            Self::FluxLora => "flux-lora",
            Self::LlmFinetune => "llm-finetune",
        }
    }
}

/// Runs the command.
pub async fn run(args: AdviseArgs, settings: &Settings) -> anyhow::Result<Ending> {
    let question = AdviceQuestion {
        task: args.task.as_str().to_owned(),
        params: args.params.map(|params| params.get().to_string()),
        method: Some(args.method.to_string()),
        context: Some(args.context),
        machine: machine(&args.have)?,
    };
    let client = connect::client(settings).await?;
    let advice = client.advise(&question).await?;
    if args.json {
        print_json(&advice)?;
        return Ok(Ending::Done);
    }
    print(&advice)?;
    Ok(Ending::Done)
}

/// Returns the machine that is asked for, or this one.
fn machine(have: &[String]) -> anyhow::Result<Machine> {
    let mut machine = Machine::default();
    if have.is_empty() {
        for gpu in livery_agent::real_gpus() {
            add(
                &mut machine.gpus,
                &GpuModel::parse(&gpu.name),
                1,
                Bytes::new(gpu.vram),
            );
        }
        return Ok(machine);
    }
    for text in have {
        match text.as_str() {
            "none" => {}
            "apple" => machine.apple_silicon = true,
            text => {
                let wrong = |why| Failure::mistake(format!("--have: {why}"));
                let named = super::inquiry::wanted(text).map_err(wrong)?;
                // The catalogue knows how much memory they have.
                let model = GpuModel::parse(&named.model);
                add(&mut machine.gpus, &model, named.count, Bytes::ZERO);
            }
        }
    }
    Ok(machine)
}

/// GPUs of one model and size are counted together.
fn add(all: &mut Vec<Gpus>, model: &GpuModel, count: u32, vram: Bytes) {
    let same = |known: &&mut Gpus| known.model == model.as_str() && known.vram == vram;
    match all.iter_mut().find(same) {
        Some(known) => known.count = known.count.saturating_add(count),
        None => all.push(Gpus {
            model: model.to_string(),
            count,
            vram,
            simulated: false,
        }),
    }
}

fn print(advice: &Advice) -> std::io::Result<()> {
    let mut table = Table::new(["GPU MEMORY", "", "HOW"]);
    for part in &advice.need.parts {
        table.row([part.what.clone(), part.size.to_string(), part.how.clone()]);
    }
    let source = format!("from: {}", advice.need.source);
    table.row(["on one GPU".to_owned(), advice.need.one.to_string(), source]);
    table.print()?;
    let mut out = out();
    writeln!(out)?;
    if let Some(size) = advice.need.comfortable {
        writeln!(out, "with {size} it is also quick")?;
    }
    writeln!(out, "{}", advice.here)?;
    writeln!(out, "{}", advice.reason)?;
    writeln!(out)?;
    out.flush()?;
    drop(out);
    offers_all::print_rows(&advice.elsewhere)
}
