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
fn a_rent_says_whose_price_it_is_and_of_which_day() {
    let plane = Plane::started();
    let arguments = ["buy-or-rent", "--price", "300", "--hours-per-month", "100"];
    let ask = |more: &[&str]| plane.run(&[&arguments[..], more].concat());
    ask(&["--gpu", "RTX 4090"])
        .expect(0)
        .says(&["rent: Vast.ai asks $0.40/h (dated 2024-01-01)"]);
    ask(&["--gpu", "RTX 3060"])
        .expect(0)
        .says(&["Vast.ai asks $0.10-$0.15/h, and the lower end is the rent (dated"]);
    let json = ask(&["--gpu", "RTX 3060", "--json"]).expect(0).json();
    assert_eq!(json["rent_hourly"], "0.10");
    assert_eq!(json["rent_of"]["title"], "Vast.ai");
    assert_eq!(json["rent_of"]["dated"], true);
    assert_eq!(json["rent_of"]["as_of"], "2024-01-01");
    let given = ask(&["--rent", "1", "--json"]).expect(0).json();
    assert_eq!(given["rent_of"], Value::Null);
    for wrong in [
        &["--rent=-2"][..],
        &["--rent=1", "--power-monthly=-30"],
        &["--rent=1", "--power-watts=450", "--per-kwh=-5"],
        &["--rent=1", "--resale=-1"],
    ] {
        ask(wrong).expect(2).says(&["is not negative"]);
    }
    // What is sold for more than it costs is paid back at once.
    let sold = ask(&["--rent", "0", "--resale", "400"]).expect(0);
    assert!(sold.out.contains("after 0 hours"), "{}", sold.out);
}

#[test]
fn what_is_sold_in_another_number_is_said() {
    let plane = Plane::started();
    plane.run(&["compare", "--gpu", "H200"]).expect(2).says(&[
        "MKT003",
        "nobody sells 1x H200 on-demand; AWS sells 8x H200 at $63.30/h",
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

#[test]
fn gpus_are_listed_with_ranges_and_with_how_many_are_sold_together() {
    let plane = Plane::started();
    let of = |name: &str| plane.run(&["gpus", name]).expect(0).out;
    assert!(of("H200").contains("AWS $7.91 (of 8x)"), "{}", of("H200"));
    let a100 = of("A100 80GB");
    assert!(a100.contains("RunPod $1.20-$1.80*"), "{a100}");
    plane
        .run(&["gpus", "rtx_4o90"])
        .expect(0)
        .says(&["no type of GPU is called `RTX 4O90`; did you mean `RTX 4090`?"]);
    // The same range stands beside the figure that counts before it.
    let table = plane.run(&["compare", "--gpu", "runpod:A100 80GB"]);
    let table = table.expect(0).out;
    assert!(
        table.contains("$2.89") && table.contains("PCIe at $1.20-$1.80/h (community)"),
        "{table}"
    );
}

#[test]
fn a_search_that_finds_nothing_names_what_nobody_knows() {
    let plane = Plane::started();
    for (filter, said) in [
        (
            "gpu_name=RTX_4O90",
            "no type of GPU is called `RTX 4O90`; did you mean `RTX 4090`?",
        ),
        (
            "supplier=runpd",
            "no provider is called `runpd`; did you mean `runpod`?",
        ),
        ("gpu in [any]", "no type of GPU is called `ANY`"),
    ] {
        let all = plane.run(&["offers", filter, "--all"]).expect(0);
        all.says(&["nothing matches", said]);
        plane.run(&["offers", filter]).expect(0).says(&[said]);
    }
    let known = plane.run(&["offers", "gpu_name=RTX_4090 price<0.01", "--all"]);
    let known = known.expect(0).says(&["nothing matches"]);
    assert!(!known.err.contains("is called"), "{}", known.err);
}

#[test]
fn a_job_is_estimated_with_the_disks_that_its_pod_will_have() {
    let plane = Plane::started();
    let job = "resources: {accelerators: A40}\nbudget: {max_hours: 36}\nrun: echo\n";
    plane.write("job.yaml", job);
    let answer = plane.run(&["estimate", "job.yaml", "--json"]).expect(0);
    // Two disks of 10 GB, at $0.10 for a twentieth of a month.
    assert_eq!(answer.json()["lines"][0]["cost"]["storage"], "0.10");
}

#[test]
fn terms_and_ranges_are_shown_with_their_day() {
    let plane = Plane::started();
    let shown = plane.run(&["catalog", "show"]).expect(0).out;
    let vast = shown.lines().find(|line| line.starts_with("Vast.ai"));
    assert!(vast.unwrap().contains("2024-01-01 (dated)"), "{shown}");
    let runpod = shown.lines().find(|line| line.starts_with("RunPod"));
    for range in ["community $0.20-$0.80/h", "secure $0.80-$3.00/h"] {
        assert!(runpod.unwrap().contains(range), "{shown}");
    }
    let json = plane.run(&["catalog", "show", "--json"]).expect(0).json();
    let providers = json["providers"].as_array().unwrap();
    let vast = providers.iter().find(|one| one["name"] == "vast").unwrap();
    assert_eq!(vast["as_of"], "2024-01-01");
    assert_eq!(vast["terms_dated"], true);
}
