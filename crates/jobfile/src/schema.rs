//! The schema that editors complete and check job files with.

use crate::keys::{JOB, TABLES};
use crate::shape::{ITEMS_MAX, Key, Shape, Table};
use serde_json::{Map, Value, json};

/// Returns the JSON Schema (draft 2020-12) of job files, from the table that reading uses.
pub fn schema() -> String {
    let mut root = table(&JOB);
    let others = TABLES.iter().filter(|other| other.name != JOB.name);
    let defs: Map<String, Value> = others
        .map(|other| (other.name.to_owned(), Value::Object(table(other))))
        .collect();
    root.insert("$defs".to_owned(), Value::Object(defs));
    let mut schema = Map::new();
    let draft = "https://json-schema.org/draft/2020-12/schema";
    schema.insert("$schema".to_owned(), json!(draft));
    schema.insert("title".to_owned(), json!("Livery job file"));
    schema.extend(root);
    // A value made of maps with text keys can always be written.
    format!("{:#}\n", Value::Object(schema))
}

fn table(table: &Table) -> Map<String, Value> {
    let properties: Map<String, Value> = table
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let mut object = Map::new();
    object.insert("description".to_owned(), json!(table.doc));
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), Value::Object(properties));
    if !table.needed.is_empty() {
        object.insert("required".to_owned(), json!(table.needed));
    }
    object.insert("additionalProperties".to_owned(), json!(false));
    object
}

fn property(key: &Key) -> Value {
    let mut property = shape(&key.shape);
    property.insert("description".to_owned(), json!(key.doc));
    Value::Object(property)
}

fn shape(of: &Shape) -> Map<String, Value> {
    let value = match of {
        Shape::Text => json!({"type": "string"}),
        Shape::Integer(min, max) => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Number => json!({"type": "number"}),
        Shape::Switch => json!({"type": "boolean"}),
        Shape::Nothing => json!({"type": "null"}),
        Shape::Word(words) => json!({"enum": words}),
        Shape::List(item) => json!({"type": "array", "items": shape(item), "maxItems": ITEMS_MAX}),
        Shape::Map(value) => {
            json!({"type": "object", "additionalProperties": shape(value), "maxProperties": ITEMS_MAX})
        }
        Shape::Table(table) => json!({"$ref": format!("#/$defs/{}", table().name)}),
        // Nothing has this shape without an error.
        Shape::Refused(..) => json!({"not": {}}),
        Shape::OneOf(shapes) => {
            let taken = shapes.iter().filter(|shape| !shape.is_refused());
            let taken: Vec<Value> = taken.map(|of| Value::Object(shape(of))).collect();
            json!({"anyOf": taken})
        }
    };
    match value {
        Value::Object(map) => map,
        // Every arm above is an object.
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
