//! Local or cloud: what fits where, and why.

use crate::rows::{catalogue, listing};
use livery_domain::gpu::{GpuModel, GpuReality, Gpus};
use livery_domain::market::{Advice, Here, Method, Params, Quote, Sale, Task, ThisMachine, advise};
use livery_domain::offer::Tier;
use livery_units::Bytes;
use proptest::prelude::*;

fn llm(params: &str, method: Method) -> Task {
    Task::LlmFineTune {
        params: params.parse().unwrap(),
        method,
        context: 2_048,
    }
}

fn machine(model: &str, count: u32, mib: u64) -> ThisMachine {
    ThisMachine::Gpus(vec![Gpus {
        model: GpuModel::parse(model),
        count,
        vram: Bytes::mib(mib),
        reality: GpuReality::Real,
    }])
}

fn ask(task: Task, machine: &ThisMachine, quotes: &[Quote]) -> Advice {
    advise(&task, machine, quotes, &catalogue())
}

fn fits(task: Task, gpus: u32, gib: u64) -> bool {
    ask(task, &ThisMachine::NoGpu, &[])
        .need
        .fits(gpus, Bytes::gib(gib))
}

#[test]
fn image_models_need_what_the_guide_says() {
    assert!(fits(Task::SdxlLora, 1, 10) && !fits(Task::SdxlLora, 1, 8));
    assert!(fits(Task::FluxLora, 1, 16) && !fits(Task::FluxLora, 1, 12));
    // A second GPU makes the first one no larger.
    assert!(!fits(Task::FluxLora, 2, 12));
}

#[test]
fn language_models_need_what_is_known_to_work() {
    for (params, method, gpus, gib, does) in [
        // The paper's own: 33B in 24 GB and 65B in 48 GB, by QLoRA.
        ("33B", Method::QLora, 1, 24, true),
        ("65B", Method::QLora, 1, 48, true),
        ("65B", Method::QLora, 1, 40, false),
        ("7B", Method::QLora, 1, 12, true),
        ("7B", Method::Lora, 1, 24, true),
        ("7B", Method::Lora, 1, 12, false),
        // 112 GB of states alone: two of 80 GB share them.
        ("7B", Method::Full, 1, 80, false),
        ("7B", Method::Full, 2, 80, true),
        ("7B", Method::Full, 4, 40, true),
        ("350M", Method::Full, 1, 12, true),
        ("70B", Method::Lora, 1, 80, false),
        ("70B", Method::Lora, 2, 80, true),
    ] {
        assert_eq!(
            fits(llm(params, method), gpus, gib),
            does,
            "{params} {method} {gpus}x{gib}"
        );
    }
}

#[test]
fn the_least_number_of_gpus_is_found_however_many_there_are() {
    let need = ask(llm("70B", Method::Full), &ThisMachine::NoGpu, &[]).need;
    for gib in [4, 8, 16, 24, 48, 80, 141, 2_000] {
        let vram = Bytes::gib(gib);
        let counted = (1..=2_000).find(|count| need.fits(*count, vram));
        assert_eq!(need.least(vram), counted, "{gib} GiB");
    }
    // No number of them is enough, and nobody counts up to it.
    let most = machine("RTX 4060", u32::MAX, 4 << 10);
    let here = ask(Task::SdxlLora, &most, &[]).here;
    assert!(matches!(here, Here::TooSmall { .. }), "{here:?}");
}

#[test]
fn the_reason_is_told_part_by_part() {
    let need = ask(llm("7B", Method::Full), &ThisMachine::NoGpu, &[]).need;
    let parts: Vec<(&str, &str, u64)> = need
        .parts
        .iter()
        .map(|part| (part.what, part.how.as_str(), part.size.get()))
        .collect();
    assert_eq!(
        parts,
        [
            (
                "weights",
                "7B parameters x 16 B for Adam in mixed precision",
                112_000_000_000
            ),
            (
                "activations",
                "2048 tokens x 4210 hidden x (2 B x 32 layers + 34 B for the layer in work)",
                2_048 * 4_210 * 98
            ),
            ("logits", "2048 tokens x 128000 words x 8 B", 2_097_152_000),
            ("overhead", "CUDA, its libraries, fragmentation", 1 << 30),
        ]
    );
    let whole: u64 = parts.iter().map(|(_, _, size)| size).sum();
    assert_eq!(need.each(1), Bytes::new(whole));
    assert_eq!(need.each(8), Bytes::new(whole - 112_000_000_000 / 8 * 7));
}

#[test]
fn this_machine_will_do_or_says_what_it_lacks() {
    // A card of 24 GB reports a little less, and Flux is content with 16.
    let here = ask(
        Task::FluxLora,
        &machine("NVIDIA GeForce RTX 4090", 2, 24_564),
        &[],
    )
    .here;
    assert_eq!(
        here.to_string(),
        "this machine will do: 1x RTX 4090, with 8 GiB to spare on each"
    );
    let here = ask(Task::SdxlLora, &machine("RTX 3070", 1, 8_192), &[]).here;
    assert_eq!(
        here.to_string(),
        "this machine will not do: 1x RTX 3070 lacks 2 GiB on each"
    );
    let Here::WillDo { gpus, .. } = ask(
        llm("7B", Method::Full),
        &machine("A100-SXM4-80GB", 8, 81_920),
        &[],
    )
    .here
    else {
        panic!("two of eight will do");
    };
    assert_eq!(gpus.count, 2);
    let here = ask(Task::SdxlLora, &ThisMachine::AppleSilicon, &[]).here;
    assert!(here.to_string().contains("Apple"), "{here}");
    assert_eq!(
        ask(Task::SdxlLora, &ThisMachine::NoGpu, &[]).here,
        Here::NoGpu
    );
    let ThisMachine::Gpus(mut pretended) = machine("H100", 8, 81_559) else {
        panic!()
    };
    pretended[0].reality = GpuReality::Simulated;
    assert_eq!(
        ask(Task::SdxlLora, &ThisMachine::Gpus(pretended), &[]).here,
        Here::NoGpu
    );
}

#[test]
fn the_cheapest_that_will_do_comes_first() {
    let quote = |supplier, gpu, count, price, sale, tier| {
        let mut listing = listing(supplier, gpu, count, price);
        (listing.sale, listing.tier) = (sale, tier);
        Quote::of_listing(&listing, &catalogue())
    };
    let quotes = [
        quote("aws", "A100 40GB", 8, "32.77", Sale::OnDemand, Tier::Secure),
        quote(
            "vast",
            "RTX 3090",
            1,
            "0.25",
            Sale::OnDemand,
            Tier::Community,
        ),
        quote("vast", "V100", 1, "0.12", Sale::OnDemand, Tier::Community),
        quote(
            "runpod",
            "A100 80GB",
            2,
            "5.78",
            Sale::OnDemand,
            Tier::Secure,
        ),
        quote("runpod", "RTX 3090", 1, "0.25", Sale::Spot, Tier::Community),
        quote(
            "paperspace",
            "A100 80GB",
            1,
            "0.01",
            Sale::Monthly,
            Tier::Secure,
        ),
        quote("local", "RTX 4090", 1, "0", Sale::OnDemand, Tier::Local),
        quote("lambda", "none", 0, "0.01", Sale::OnDemand, Tier::Secure),
    ];
    let found = |task| ask(task, &ThisMachine::NoGpu, &quotes).elsewhere;
    assert_eq!(found(Task::SdxlLora), [2, 1, 4, 3, 0]);
    assert_eq!(found(llm("7B", Method::Lora)), [1, 4, 3, 0]);
    assert_eq!(found(llm("7B", Method::Full)), [3, 0]);
    assert_eq!(found(llm("400B", Method::Full)), []);
}

#[test]
fn parameters_are_written_as_models_are_named() {
    for (text, count, printed) in [
        ("7B", 7_000_000_000, "7B"),
        ("1.5b", 1_500_000_000, "1.5B"),
        ("350M", 350_000_000, "350M"),
        ("0.5B", 500_000_000, "500M"),
        ("1.8T", 1_800_000_000_000, "1.8T"),
        ("6738415616", 6_738_415_616, "6.738B"),
        ("125000k", 125_000_000, "125M"),
    ] {
        let params: Params = text.parse().unwrap();
        assert_eq!(
            (params.get(), params.to_string().as_str()),
            (count, printed),
            "{text}"
        );
    }
    for text in [
        "", "7", "B", "7BB", "-7B", "7.B", "1.2345B", "7 000B", "1.5", "99999T", "1k",
    ] {
        assert!(text.parse::<Params>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn larger_models_longer_sequences_and_fewer_gpus_need_more(
        params in 1_000_000..1_000_000_000_000_u64, more in 0..1_000_000_000_u64, context in 1..200_000_u32, gpus in 1..64_u32,
    ) {
        for method in [Method::Full, Method::Lora, Method::QLora] {
            let each = |params, context, gpus| {
                let task = Task::LlmFineTune { params: Params::new(params), method, context };
                ask(task, &ThisMachine::NoGpu, &[]).need.each(gpus)
            };
            let base = each(params, context, gpus);
            prop_assert!(each(params + more, context, gpus) >= base);
            prop_assert!(each(params, context + 1, gpus) > base);
            prop_assert!(each(params, context, gpus + 1) <= base);
        }
    }

    #[test]
    fn no_text_of_parameters_is_too_strange(text in any::<String>()) {
        if let Ok(params) = text.parse::<Params>() {
            prop_assert!(params.to_string().parse::<Params>().is_ok());
        }
    }
}
