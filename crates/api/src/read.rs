//! Reads answers. What others wrote comes out of them without what a terminal would obey.

use livery_units::text;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::borrow::Cow;

/// Reads an answer; in all of its texts, control characters but line ends and tabs are replaced:
/// names, reasons and messages are shown at a terminal sooner or later.
pub(crate) fn answer<A: DeserializeOwned>(body: &[u8]) -> Result<A, serde_json::Error> {
    if !may_steer(body) {
        return serde_json::from_slice(body);
    }
    let mut value: Value = serde_json::from_slice(body)?;
    clean(&mut value);
    serde_json::from_value(value)
}

/// Returns whether there can be a control character in an answer. Most have none, and the largest
/// are read twice as fast then.
fn may_steer(body: &[u8]) -> bool {
    // What an escape and the first byte of such a character look like.
    let maybe = |byte: &u8| matches!(byte, b'\\' | 0x7f | 0xc2 | 0xd8 | 0xe2);
    if !body.iter().any(maybe) {
        return false;
    }
    let is_line_end = |c: char| matches!(c, '\n' | '\r' | '\t');
    match std::str::from_utf8(body) {
        Ok(body) => {
            let escaped = ["\\u", "\\r", "\\b", "\\f"];
            escaped.iter().any(|escape| body.contains(escape))
                || body.contains(|c| text::is_control(c) && !is_line_end(c))
        }
        Err(_) => true,
    }
}

fn clean(value: &mut Value) {
    match value {
        Value::String(content) => {
            if let Cow::Owned(cleaned) = text::printable(content) {
                *content = cleaned;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(clean),
        Value::Object(fields) => {
            let odd = |name: &String| name.contains(text::is_control);
            if fields.keys().any(odd) {
                let cleaned = std::mem::take(fields).into_iter();
                let cleaned =
                    cleaned.map(|(name, value)| (text::printable(&name).into_owned(), value));
                *fields = cleaned.collect();
            }
            fields.values_mut().for_each(clean);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn texts_of_others_steer_no_terminal() {
        for (body, wanted) in [
            (r#"["\u001b[31mred\n\tnext"]"#, "\u{fffd}[31mred\n\tnext"),
            (
                "[\"\u{9b}2J\u{7f}\u{202e}x\"]",
                "\u{fffd}2J\u{fffd}\u{fffd}x",
            ),
            (r#"["a\r\nb\rc"]"#, "a\nb\u{fffd}c"),
            (r#"["a\bb\fc"]"#, "a\u{fffd}b\u{fffd}c"),
            (r#"["\u00e9 \"quoted\" \\u"]"#, "é \"quoted\" \\u"),
            (
                "[\"plan · ✓ Größe «x» 日本 “y”\"]",
                "plan · ✓ Größe «x» 日本 “y”",
            ),
        ] {
            let read: Vec<String> = answer(body.as_bytes()).unwrap();
            assert_eq!(read, [wanted], "{body}");
        }
        let body = r#"{"\u001bkey":{"deep":["\u0007"]}}"#;
        let read: BTreeMap<String, BTreeMap<String, Vec<String>>> =
            answer(body.as_bytes()).unwrap();
        assert_eq!(read["\u{fffd}key"]["deep"], ["\u{fffd}"]);
    }

    #[test]
    fn answers_without_such_characters_are_read_as_they_are() {
        let body = "{\n\t\"a\": 18446744073709551615\r\n}";
        assert!(!may_steer(body.as_bytes()));
        let read: BTreeMap<String, u64> = answer(body.as_bytes()).unwrap();
        assert_eq!(read["a"], u64::MAX);
        // Also when another part makes them go the other way.
        let body = r#"{"a": 18446744073709551615, "\u0001": 0}"#;
        let read: BTreeMap<String, u64> = answer(body.as_bytes()).unwrap();
        assert_eq!(read["a"], u64::MAX);
        assert!(answer::<Value>(b"{\"a\": \"\xff\"}").is_err());
        assert_eq!(answer::<()>(b"null").unwrap(), ());
    }
}
