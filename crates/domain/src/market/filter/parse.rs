//! Conditions as they were written, made into conditions that can be tested.

use super::error::{FilterError, FilterErrors};
use super::field::{Field, unknown};
use super::lex::{Lexer, Operator, Piece, Raw, Values};
use super::value::{self, Value};
use super::{Bound, Condition, Filter, Test};

/// The longest text that is read.
const LENGTH_MAX: usize = 8_192;

/// Reads a filter and reports every mistake.
pub(super) fn filter(text: &str) -> Result<Filter, FilterErrors> {
    if text.len() > LENGTH_MAX {
        let message = format!(
            "the filter is {} bytes long; at most {LENGTH_MAX} are read",
            text.len()
        );
        let error = FilterError::new(0..1, message, "ask for less at once");
        // The text itself is not carried along: nobody would read it again.
        let text = text.chars().take(60).collect();
        return Err(FilterErrors {
            text,
            errors: vec![error],
        });
    }
    let mut conditions = Vec::new();
    let mut errors = Vec::new();
    let mut lexer = Lexer::new(text);
    while let Some(raw) = lexer.next_condition() {
        match raw.map_err(|error| vec![error]).and_then(condition) {
            Ok(condition) => conditions.extend(condition),
            Err(found) => errors.extend(found),
        }
    }
    match errors.is_empty() {
        true => Ok(Filter { conditions }),
        false => Err(FilterErrors {
            text: text.to_owned(),
            errors,
        }),
    }
}

/// Returns the condition; none when any value will do.
fn condition(raw: Raw) -> Result<Option<Condition>, Vec<FilterError>> {
    let Some(field) = Field::named(&raw.name.text) else {
        let (message, hint) = unknown(&raw.name.text);
        return Err(vec![FilterError::new(raw.name.at, message, hint)]);
    };
    let test = match raw.operator {
        Operator::In => Test::OneOf(list(field, raw.values)?),
        Operator::NotIn => Test::NoneOf(list(field, raw.values)?),
        operator => {
            let piece = single(field, operator, raw.values)?;
            if is_any(&piece) {
                return any(operator, piece);
            }
            compared(field, operator, raw.operator_at, &piece)?
        }
    };
    Ok(Some(Condition { field, test }))
}

fn compared(
    field: Field,
    operator: Operator,
    operator_at: std::ops::Range<usize>,
    piece: &Piece,
) -> Result<Test, Vec<FilterError>> {
    let value = read(field, piece).map_err(|error| vec![error])?;
    let bound = match operator {
        Operator::Less => Bound::Below,
        Operator::AtMost => Bound::AtMost,
        Operator::More => Bound::Above,
        Operator::AtLeast => Bound::AtLeast,
        Operator::Equal | Operator::In => return Ok(Test::OneOf(vec![value])),
        Operator::NotEqual | Operator::NotIn => return Ok(Test::NoneOf(vec![value])),
    };
    match value {
        Value::Number(end) if field.info().kind.is_ordered() => Ok(Test::Range(bound(end))),
        Value::Number(_) | Value::Text(_) => Err(vec![FilterError::new(
            operator_at,
            format!("`{}` cannot be less or more than something", field.name()),
            "use = != in notin",
        )]),
    }
}

fn read(field: Field, piece: &Piece) -> Result<Value, FilterError> {
    value::read(field, &piece.text)
        .map_err(|bad| FilterError::new(piece.at.clone(), bad.message, bad.hint))
}

fn list(field: Field, values: Values) -> Result<Vec<Value>, Vec<FilterError>> {
    let (pieces, at) = match values {
        Values::List(pieces, at) => (pieces, at),
        Values::One(piece) => {
            let hint = format!("write [{}]", piece.text);
            return Err(vec![FilterError::new(
                piece.at,
                "a list is missing here",
                hint,
            )]);
        }
    };
    if pieces.is_empty() {
        let hint = "write the values with commas between them, such as [1,2]";
        return Err(vec![FilterError::new(at, "the list is empty", hint)]);
    }
    let mut read_values = Vec::new();
    let mut errors = Vec::new();
    for piece in &pieces {
        match read(field, piece) {
            Ok(value) => read_values.push(value),
            Err(error) => errors.push(error),
        }
    }
    match errors.is_empty() {
        true => Ok(read_values),
        false => Err(errors),
    }
}

fn single(field: Field, operator: Operator, values: Values) -> Result<Piece, Vec<FilterError>> {
    match values {
        Values::One(piece) => Ok(piece),
        Values::List(_, at) => {
            let word = if operator == Operator::NotEqual {
                "notin"
            } else {
                "in"
            };
            let hint = format!("write {} {word} [...]", field.name());
            Err(vec![FilterError::new(
                at,
                "one value is wanted here, and not a list",
                hint,
            )])
        }
    }
}

/// `any`, `?` and `*` without quotes ask for nothing, as in Vast.ai's search.
fn is_any(piece: &Piece) -> bool {
    piece.at.len() == piece.text.len()
        && (piece.text.eq_ignore_ascii_case("any") || matches!(piece.text.as_str(), "?" | "*"))
}

fn any(operator: Operator, piece: Piece) -> Result<Option<Condition>, Vec<FilterError>> {
    match operator {
        Operator::Equal => Ok(None),
        Operator::NotEqual
        | Operator::Less
        | Operator::AtMost
        | Operator::More
        | Operator::AtLeast
        | Operator::In
        | Operator::NotIn => {
            let message = format!("`{}` means any value, and goes with = only", piece.text);
            let hint = "leave the condition out, or quote the value";
            Err(vec![FilterError::new(piece.at, message, hint)])
        }
    }
}
