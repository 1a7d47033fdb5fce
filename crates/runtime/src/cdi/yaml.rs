//! YAML into the same values that JSON gives.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};

/// How deep lists and maps may lie in each other.
const MAX_DEPTH: usize = 32;

/// Reads one document. Aliases are refused: no driver writes them, and they can grow without end.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| error.to_string())?;
        if open.len() > MAX_DEPTH {
            return Err("it is nested too deeply".to_owned());
        }
        let value = match event {
            Event::Scalar(text, style, _, _) => scalar(&text, style),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(done) => done.finish(),
                None => return Err("it ends what it did not begin".to_owned()),
            },
            Event::Alias(_) => return Err("aliases are not understood".to_owned()),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.add(value)?,
            None => return Ok(value),
        }
    }
    Err("it is empty".to_owned())
}

enum Open {
    List(Vec<Value>),
    /// The entries, and the key whose value comes next.
    Map(Map<String, Value>, Option<String>),
}

impl Open {
    fn add(&mut self, value: Value) -> Result<(), String> {
        match self {
            Self::List(items) => items.push(value),
            Self::Map(entries, key) => match (key.take(), value) {
                (Some(key), value) => {
                    entries.insert(key, value);
                }
                (None, Value::String(text)) => *key = Some(text),
                (None, Value::Number(number)) => *key = Some(number.to_string()),
                (None, Value::Bool(value)) => *key = Some(value.to_string()),
                (None, Value::Null | Value::Array(_) | Value::Object(_)) => {
                    return Err("a key is not a text".to_owned());
                }
            },
        }
        Ok(())
    }

    fn finish(self) -> Value {
        match self {
            Self::List(items) => Value::Array(items),
            Self::Map(entries, _) => Value::Object(entries),
        }
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => match text.parse::<i64>() {
            Ok(number) => Value::Number(Number::from(number)),
            Err(_) => Value::String(text.to_owned()),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_and_flows_give_the_same() {
        let block = "a:\n- 1\n- \"1\"\n- x: yes\n  y:\n";
        let flow = "{a: [1, '1', {x: yes, y: null}]}";
        let value = json!({ "a": [1, "1", { "x": "yes", "y": null }] });
        assert_eq!(parse(block).unwrap(), value);
        assert_eq!(parse(flow).unwrap(), value);
    }

    #[test]
    fn what_could_grow_or_nest_without_end_is_refused() {
        assert!(parse("a: &x [1]\nb: *x\n").is_err());
        assert!(parse(&"[".repeat(10_000)).is_err());
        assert!(parse("").is_err());
    }
}
