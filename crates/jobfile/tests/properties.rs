//! Whatever the text is: no panic, and every mistake is pointed at inside the file.

use livery_jobfile::{decode, parse};
use proptest::prelude::*;

const GOOD: &str = include_str!("every-key.yaml");

/// Checks what must hold of every file; returns nothing, because any outcome is fine.
fn check(text: &str) -> Result<(), TestCaseError> {
    let Err(found) = parse(text, "job.yaml") else {
        return Ok(());
    };
    prop_assert!(!found.is_empty() && found.len() <= 100);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = unified.split('\n').collect();
    for one in &found {
        let line = lines.get(one.line - 1).map(|line| line.chars().count());
        prop_assert!(
            line.is_some(),
            "line {} of {}: {:?}",
            one.line,
            lines.len(),
            one
        );
        // A place just after the last character is where something is missing.
        let end = line.unwrap_or(0) + 1;
        prop_assert!((1..=end).contains(&one.column), "{one:?}");
        prop_assert!(
            one.span_len >= 1 && one.column + one.span_len <= end + 1,
            "{one:?}"
        );
        let rendered = one.render();
        prop_assert!(
            rendered
                .lines()
                .all(|line| !line.contains(|c: char| c.is_control()))
        );
    }
    prop_assert!(found.is_sorted_by_key(|one| (one.line, one.column)));
    Ok(())
}

/// Pieces that YAML, or a reader of it, could stumble over.
fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "run: ",
        "resources:",
        "\n",
        "\r\n",
        "\t",
        "  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ": ",
        "? ",
        "|",
        ">",
        "&a ",
        "*a",
        "!!x ",
        "<<: ",
        "---\n",
        "...\n",
        "\"",
        "'",
        "#",
        "%YAML",
        "envs:\n  A:",
        "9",
        "-",
        "+",
        "null",
        "~",
        "accelerators: ",
        "any_of:",
        "ordered:",
        "..",
        "/",
        "é",
        "你",
        "\u{feff}",
        "\u{1b}",
        "\u{85}",
        "\u{2028}",
        "\0",
        "validate:",
        "file_mounts:",
    ]);
    prop_oneof![known.prop_map(str::to_owned), any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        match decode(&bytes, "job.yaml") {
            Ok(text) => check(text)?,
            Err(found) => prop_assert_eq!(found.len(), 1),
        }
        check(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(piece(), 0..30)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn a_good_file_with_parts_replaced(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, piece()), 1..5)
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        for (at, length, piece) in edits {
            let begin = at.index(text.len() + 1);
            let end = (begin + length).min(text.len());
            text.splice(begin..end, piece.chars());
        }
        check(&text.into_iter().collect::<String>())?;
    }

    #[test]
    fn a_good_file_that_was_cut(at in any::<prop::sample::Index>()) {
        let cut: String = GOOD.chars().take(at.index(GOOD.len())).collect();
        check(&cut)?;
    }
}
