//! Between what travels about advice and what the engine takes and gives.

use super::convert;
use crate::error::Refusal;
use livery_api::dto;
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::market::{Here, Method, Params, Spread, Task, ThisMachine};
use livery_engine::{Advised, Error, Market, MarketError};
use livery_units::Bytes;

/// Tokens in a sequence when nobody says.
const CONTEXT: u32 = 2_048;

/// Most tokens in a sequence: more than any model takes.
const CONTEXT_MAX: u32 = 1 << 27;

/// Most kinds of GPU that a machine has, and most GPUs of a kind.
const KINDS_MAX: usize = 64;
const COUNT_MAX: u32 = 1_024;

/// How many machines of others are named.
const ELSEWHERE_MAX: usize = 10;

pub(super) fn question(
    market: &Market,
    question: dto::AdviceQuestion,
) -> Result<(Task, ThisMachine), Refusal> {
    let task = match question.task.as_str() {
        "sdxl-lora" => Task::SdxlLora,
        "flux-lora" => Task::FluxLora,
        "llm-finetune" => language_model(&question)?,
        other => {
            let message = format!("task: `{other}` is none of sdxl-lora, flux-lora, llm-finetune");
            return Err(Refusal::bad_request(&message));
        }
    };
    Ok((task, machine(market, question.machine)?))
}

fn language_model(question: &dto::AdviceQuestion) -> Result<Task, Refusal> {
    let params = question.params.as_deref();
    let params = params.ok_or_else(|| {
        Refusal::bad_request("params: the size of the model is missing, such as 7B")
    })?;
    let params: Params = parsed(params, "params")?;
    let method = question.method.as_deref();
    let method = method.map(|text| parsed(text, "method")).transpose()?;
    let context = question.context.unwrap_or(CONTEXT);
    if !(1..=CONTEXT_MAX).contains(&context) {
        let message = format!("context: a sequence has 1 to {CONTEXT_MAX} tokens");
        return Err(Refusal::bad_request(&message));
    }
    Ok(Task::LlmFineTune {
        params,
        method: method.unwrap_or(Method::Lora),
        context,
    })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    text: &str,
    key: &str,
) -> Result<T, Refusal> {
    let read = text.parse();
    read.map_err(|why| Refusal::bad_request(&format!("{key}: {why}")))
}

fn machine(market: &Market, machine: dto::Machine) -> Result<ThisMachine, Refusal> {
    if machine.gpus.len() > KINDS_MAX {
        let message = format!("machine.gpus: {KINDS_MAX} kinds of GPU at most");
        return Err(Refusal::bad_request(&message));
    }
    let gpus = machine.gpus.into_iter().map(|gpus| known(market, gpus));
    let gpus = gpus.collect::<Result<Vec<Gpus>, Refusal>>()?;
    Ok(match (gpus.is_empty(), machine.apple_silicon) {
        (false, _) => ThisMachine::Gpus(gpus),
        (true, true) => ThisMachine::AppleSilicon,
        (true, false) => ThisMachine::NoGpu,
    })
}

/// Reads GPUs; without a size of memory they have what the catalogue knows of their type.
fn known(market: &Market, gpus: dto::Gpus) -> Result<Gpus, Refusal> {
    if !(1..=COUNT_MAX).contains(&gpus.count) {
        let message = format!("machine.gpus: a machine has 1 to {COUNT_MAX} GPUs of a kind");
        return Err(Refusal::bad_request(&message));
    }
    let model = GpuModel::parse(&gpus.model);
    let vram = match gpus.vram {
        Bytes::ZERO => {
            let known = market.catalogue.list.catalogue.gpus_like(&gpus.model);
            // Of several sizes, the smallest is the safe one.
            let smallest = known.iter().map(|gpu| gpu.vram).min();
            smallest.ok_or_else(|| Error::from(MarketError::UnknownGpu(gpus.model.clone())))?
        }
        vram => vram,
    };
    Ok(Gpus {
        model,
        count: gpus.count,
        vram,
        reality: match gpus.simulated {
            true => GpuReality::Simulated,
            false => GpuReality::Real,
        },
    })
}

pub(super) fn answer(market: &Market, advised: Advised) -> dto::Advice {
    let need = advised.need;
    let parts = need.parts.iter().map(|part| dto::MemoryPart {
        what: part.what.to_owned(),
        how: part.how.clone(),
        size: part.size,
        spread: part.spread == Spread::OverAll,
    });
    let elsewhere = advised.elsewhere.iter().take(ELSEWHERE_MAX);
    dto::Advice {
        need: dto::MemoryNeed {
            one: need.each(1),
            parts: parts.collect(),
            comfortable: need.comfortable,
            source: need.source.to_owned(),
        },
        will_do: matches!(advised.here, Here::WillDo { .. }),
        here: advised.here.to_string(),
        reason: advised.reason,
        elsewhere: elsewhere.map(|entry| convert::row(market, entry)).collect(),
    }
}
