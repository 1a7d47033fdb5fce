//! What is said about prices that are unknown, sold otherwise, or asked about in other words.

use super::plane::Plane;
use serde_json::Value;

fn titles(answer: &Value) -> Vec<&str> {
    let lines = answer["lines"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["title"].as_str().unwrap())
        .collect()
}

#[test]
fn a_cost_of_which_a_part_is_unknown_is_no_total() {
    let plane = Plane::started();
    let arguments = [
        "compare",
        "--gpu",
        "A100 80GB",
        "--hours",
        "10",
        "--volume",
        "2TB",
        "--keep",
        "30d",
    ];
    let json = [&arguments[..], &["--json"]].concat();
    let answer = plane.run(&json).expect(0).json();
    // Vast.ai publishes no price of a network volume: that is not the same as none.
    assert_eq!(answer["at_least"]["Vast.ai"], "13.00");
    assert_eq!(answer["totals"].get("Vast.ai"), None);
    assert_eq!(answer["totals"]["RunPod"], "172.26");
    let lines = answer["lines"].as_array().unwrap();
    let is_partial = |line: &Value| !line["cost"]["unknown"].as_array().unwrap().is_empty();
    let first_partial = lines.iter().position(is_partial).unwrap();
    assert!(first_partial > 0, "{answer:#}");
    assert!(lines[first_partial..].iter().all(is_partial), "{answer:#}");
    for line in lines {
        if is_partial(line) {
            assert_eq!(line["cheapest"], false, "{line}");
            assert_eq!(line["saving_percent"], Value::Null, "{line}");
        }
    }
    assert_eq!(lines[0]["cheapest"], true);
    let table = plane.run(&arguments).expect(0);
    assert!(table.out.contains("at least $13.00"), "{}", table.out);
    table.says(&["`at least` leaves out"]);
}

#[test]
fn a_gpu_of_unknown_speed_leaves_none_the_fastest() {
    let plane = Plane::started();
    let arguments = ["compare", "--gpu", "RTX PRO 6000", "--gpu", "T4"];
    let table = plane.run(&arguments).expect(0);
    assert!(!table.out.contains("fastest"), "{}", table.out);
    table.says(&["none is marked as the fastest"]);
    // A GPU without tensor cores is not it, whatever else is unknown.
    let arguments = ["compare", "--gpu", "P4000", "--gpu", "T4"];
    let table = plane.run(&arguments).expect(0);
    assert!(table.out.contains("fastest"), "{}", table.out);
}

#[test]
fn providers_are_called_as_people_write_them() {
    let plane = Plane::started();
    for (gpu, title) in [
        ("AWS:V100", "AWS"),
        ("vast.ai:V100", "Vast.ai"),
        ("Vast.ai:V100", "Vast.ai"),
        ("Lambda Labs:A100 40GB", "Lambda"),
    ] {
        let answer = plane.run(&["compare", "--gpu", gpu, "--json"]).expect(0);
        assert_eq!(titles(&answer.json()), [title], "{gpu}");
    }
    let against = |name: &str| plane.run(&["compare", "--gpu", "V100", "--against", name]);
    for name in ["AWS", "aws"] {
        let table = against(name).expect(0);
        assert!(table.out.contains("19%"), "{name}: {}", table.out);
    }
    against("Lambda")
        .expect(0)
        .says(&["no savings against Lambda"]);
    let nobody = ["MKT005", "`nobody`", "aws", "vast", "hint"];
    against("nobody").expect(2).says(&nobody);
    let runpd = ["MKT005", "`runpd`", "runpod"];
    let wrong = plane.run(&["compare", "--gpu", "runpd:RTX 4090"]);
    wrong.expect(2).says(&runpd);
}

#[test]
fn what_is_sold_in_another_number_is_said() {
    let plane = Plane::started();
    plane.run(&["compare", "--gpu", "H200"]).expect(2).says(&[
        "MKT003",
        "nobody sells 1x H200 on-demand; AWS sells 8x H200 at $63.296/h",
    ]);
    // Beside what is sold, too.
    let both = ["compare", "--gpu", "H200", "--gpu", "T4"];
    let table = plane.run(&both).expect(0);
    table.says(&["nobody sells 1x H200", "AWS sells 8x H200"]);
    let filtered = ["compare", "--gpu", "T4", "--filter", "price<0.01"];
    plane
        .run(&filtered)
        .expect(2)
        .says(&["nobody sells 1x T4 on-demand with `price<0.01`"]);
}
