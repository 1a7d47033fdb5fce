//! Properties of GPU names: one model has one name, however often it is read.

use livery_domain::gpu::GpuModel;
use proptest::prelude::*;

/// Pieces of real names, in the case and with the separators that people and drivers use.
fn spelling() -> impl Strategy<Value = String> {
    let words = vec![
        "NVIDIA",
        "GeForce",
        "tesla",
        "AMD",
        "Instinct",
        "RTX",
        "gtx",
        "rtx4090",
        "4070Ti",
        "4090",
        "A100",
        "MI300X",
        "SXM4",
        "pcie",
        "PCIe",
        "80GB",
        "Ti",
        "SUPER",
        "Ada",
        "Generation",
        "ſ",
        "ı",
        "ß",
        "K80",
        "\u{212a}80",
    ];
    let piece = (
        prop::sample::select(words),
        prop::sample::select(vec![" ", "-", "_", "  ", "\t", ""]),
    );
    prop::collection::vec(piece, 0..8).prop_map(|pieces| {
        let texts = pieces.iter().map(|(word, gap)| format!("{word}{gap}"));
        texts.collect()
    })
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let once = GpuModel::parse(text);
    let twice = GpuModel::parse(once.as_str());
    prop_assert_eq!(&twice, &once, "{:?}", text);
    prop_assert!(once.satisfies(&once));
    let says_something = |c: char| !c.is_whitespace() && c != '-' && c != '_';
    prop_assert_eq!(once.as_str().is_empty(), !text.contains(says_something));
    Ok(())
}

proptest! {
    #[test]
    fn a_name_read_again_is_the_same_name(text in spelling()) {
        check(&text)?;
    }

    #[test]
    fn whatever_is_typed_has_one_name(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn case_and_separators_do_not_matter(text in spelling()) {
        let name = GpuModel::parse(&text);
        let spellings = [text.to_uppercase(), text.replace(['-', '\t'], "_"), format!(" {text} ")];
        for spelling in spellings {
            prop_assert_eq!(GpuModel::parse(&spelling), name.clone(), "{:?}", spelling);
        }
    }
}
