//! The schema and the parser take the same keys, and the schema takes what the parser takes.

use super::schema;
use crate::keys::TABLES;
use crate::read::Findings;
use crate::shape::Table;
use crate::source::Source;
use crate::tree::{self, Data, Node, Type};
use serde_json::{Value, json};

fn parsed() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

/// Writes a file that has the key with the value in a mapping of the table.
fn file_with(table: &Table, key: &str, value: &str) -> String {
    // The other keys that the mapping needs, so that only the key at hand can be wrong.
    let others = table.needed.iter().filter(|needed| **needed != key);
    let good = |needed: &str| match needed {
        "after" => "30m",
        _ => "/workspace/x",
    };
    let others: String = others
        .map(|needed| format!("{needed}: {}\n", good(needed)))
        .collect();
    let lines = format!("{others}{key}: {value}\n");
    let indented = |by: &str| {
        lines
            .replace('\n', &format!("\n{by}"))
            .trim_end()
            .to_owned()
    };
    match table.name {
        "job" => lines,
        "alternative" => format!(
            "run: x\nresources:\n  ordered:\n    - {}\n",
            indented("      ")
        ),
        "check" => format!("run: x\nvalidate:\n  - {}\n", indented("    ")),
        name => format!("run: x\n{name}:\n  {}\n", indented("  ")),
    }
}

fn object<'a>(schema: &'a Value, table: &Table) -> &'a Value {
    match table.name {
        "job" => schema,
        name => &schema["$defs"][name],
    }
}

#[test]
fn every_key_is_in_the_reference() {
    let text = include_str!("../../../../docs/reference/job-file.md");
    let is_in_words = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // What stands between backticks: the second, fourth, ... piece.
    let code = text.split('`').skip(1).step_by(2);
    let words: Vec<&str> = code
        .flat_map(|code| code.split(|c| !is_in_words(c)))
        .collect();
    for key in TABLES.iter().flat_map(|table| table.keys) {
        assert!(words.contains(&key.name), "{} is not described", key.name);
    }
}

#[test]
fn every_key_that_the_parser_takes_is_in_the_schema_with_its_examples() {
    let schema = parsed();
    for table in TABLES {
        for key in table.keys {
            assert!(
                !object(&schema, table)["properties"][key.name].is_null(),
                "{}",
                key.name
            );
            for example in key.examples {
                let file = file_with(table, key.name, example);
                if let Err(found) = crate::parse(&file, "job.yaml") {
                    panic!("{file}\n{}", crate::render_all(&found));
                }
                let value = json_of(&file);
                assert_eq!(complaint(&schema, &schema, &value), None, "{file}");
            }
        }
    }
}

#[test]
fn every_key_of_the_schema_is_known_to_the_parser() {
    let schema = parsed();
    let mut keys = 0;
    for table in TABLES {
        let object = object(&schema, table);
        assert_eq!(object["additionalProperties"], json!(false));
        for name in object["properties"].as_object().unwrap().keys() {
            keys += 1;
            let found = crate::parse(&file_with(table, name, "null"), "job.yaml").unwrap_err();
            let codes: Vec<_> = found.iter().map(|d| d.code.as_str()).collect();
            assert_eq!(codes, ["JOB020"], "{name}");
        }
        let file = file_with(table, "no_such_key", "1");
        let found = crate::parse(&file, "job.yaml").unwrap_err();
        assert_eq!(found[0].code.as_str(), "JOB010");
        assert!(
            complaint(&schema, &schema, &json_of(&file)).is_some(),
            "{file}"
        );
    }
    assert_eq!(
        keys,
        TABLES.iter().map(|table| table.keys.len()).sum::<usize>()
    );
}

#[test]
fn the_schema_refuses_what_the_parser_refuses_by_type() {
    let schema = parsed();
    for file in [
        "name: x\n",
        "run: 4\n",
        "run: x\ntier: best\n",
        "run: x\nnum_nodes: 0\n",
        "run: x\nworkdir: {url: y}\n",
        "run: x\nresources: {accelerators: {A100: 1000}}\n",
        "run: x\nresources: {any_of: [{any_of: []}]}\n",
        "run: x\nvalidate: [{name: y}]\n",
    ] {
        assert!(crate::parse(file, "job.yaml").is_err(), "{file}");
        assert!(
            complaint(&schema, &schema, &json_of(file)).is_some(),
            "{file}"
        );
    }
}

fn json_of(file: &str) -> Value {
    let source = Source::new(file, "job.yaml");
    let mut findings = Findings::new(&source);
    let root = tree::build(file, &mut findings).unwrap();
    value_of(&root)
}

fn value_of(node: &Node) -> Value {
    match &node.data {
        Data::List(items) => items.iter().map(value_of).collect(),
        Data::Map(entries) => {
            let entries = entries.iter().map(|e| (e.key.clone(), value_of(&e.value)));
            Value::Object(entries.collect())
        }
        Data::Scalar(scalar) => match scalar.type_ {
            Type::Nothing => Value::Null,
            Type::Switch => json!(scalar.text.eq_ignore_ascii_case("true")),
            Type::Integer => json!(scalar.text.parse::<i64>().unwrap()),
            Type::Number => json!(scalar.text.parse::<f64>().unwrap()),
            Type::Text => json!(scalar.text),
        },
    }
}

/// Says what a schema has against a value: as much of JSON Schema as `schema` writes.
fn complaint(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(path) = schema["$ref"].as_str() {
        let target = root.pointer(path.trim_start_matches('#')).unwrap();
        return complaint(root, target, value);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|one| complaint(root, one, value).is_none());
        return (!fits).then(|| format!("{value} is none of {schema}"));
    }
    if let Some(words) = schema["enum"].as_array() {
        return (!words.contains(value)).then(|| format!("{value} is not in {schema}"));
    }
    let fits = match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.as_i64().is_some_and(|n| {
            n >= schema["minimum"].as_i64().unwrap() && n <= schema["maximum"].as_i64().unwrap()
        }),
        "array" => value.as_array().is_some_and(|items| {
            items
                .iter()
                .all(|item| complaint(root, &schema["items"], item).is_none())
        }),
        "object" => return complaint_of_object(root, schema, value),
        other => panic!("{other} is not written by the schema"),
    };
    (!fits).then(|| format!("{value} does not fit {schema}"))
}

fn complaint_of_object(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let Some(entries) = value.as_object() else {
        return Some(format!("{value} is no object"));
    };
    let needed = schema["required"].as_array().into_iter().flatten();
    for name in needed.filter_map(Value::as_str) {
        if !entries.contains_key(name) {
            return Some(format!("{name} is missing"));
        }
    }
    entries.iter().find_map(|(name, value)| {
        let property = &schema["properties"][name];
        match (property.is_null(), &schema["additionalProperties"]) {
            (false, _) => complaint(root, property, value),
            (true, Value::Object(_)) => complaint(root, &schema["additionalProperties"], value),
            (true, _) => Some(format!("{name} is not a property")),
        }
    })
}
