//! A filter's text, cut into conditions: a name, an operator and values, each with its place.

use super::error::FilterError;
use std::ops::Range;

/// A piece of text and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// The text, without quotes.
    pub text: String,
    /// Where it stood, with quotes.
    pub at: Range<usize>,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    In,
    NotIn,
}

/// A condition as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raw {
    pub name: Piece,
    pub operator: Operator,
    pub operator_at: Range<usize>,
    pub values: Values,
}

/// What stands behind the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Values {
    /// One value.
    One(Piece),
    /// A list in brackets, with its place.
    List(Vec<Piece>, Range<usize>),
}

/// Symbols before their own beginnings.
const SYMBOLS: [(&str, Operator); 10] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<>", Operator::NotEqual),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::More),
    ("≤", Operator::AtMost),
    ("≥", Operator::AtLeast),
];

const WORDS: [(&str, Operator); 11] = [
    ("in", Operator::In),
    ("notin", Operator::NotIn),
    ("nin", Operator::NotIn),
    ("eq", Operator::Equal),
    ("neq", Operator::NotEqual),
    ("noteq", Operator::NotEqual),
    ("lt", Operator::Less),
    ("lte", Operator::AtMost),
    ("gt", Operator::More),
    ("gte", Operator::AtLeast),
    ("is", Operator::Equal),
];

const EXAMPLE: &str = "write conditions like `gpu_ram>=24 price<0.5`";
const OPERATORS: &str =
    "the operators are = != < <= > >= in notin; a value with blanks in it needs quotes";

/// Reads a text from left to right.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the next condition; `None` at the end. After a mistake it goes on behind it.
    pub(super) fn next_condition(&mut self) -> Option<Result<Raw, FilterError>> {
        loop {
            self.skip(|c| c.is_whitespace() || is_separator(c));
            if self.rest().is_empty() {
                return None;
            }
            let name = self.word();
            // Conditions hold all at once, so the word between them says nothing new.
            if !name.text.eq_ignore_ascii_case("and") || self.operator_follows() {
                return Some(self.condition(name));
            }
        }
    }

    fn condition(&mut self, name: Piece) -> Result<Raw, FilterError> {
        if name.text.is_empty() {
            return Err(self.stray());
        }
        let (operator, operator_at) = self.operator(&name)?;
        let values = self.values(&operator_at)?;
        Ok(Raw {
            name,
            operator,
            operator_at,
            values,
        })
    }

    /// Something that begins no condition: it is stepped over.
    fn stray(&mut self) -> FilterError {
        let from = self.at;
        self.skip(|c| !c.is_whitespace() && !c.is_alphanumeric());
        let found = &self.text[from..self.at];
        let message = format!("a field's name is missing before `{found}`");
        let error = FilterError::new(from..self.at, message, EXAMPLE);
        self.skip_word();
        error
    }

    fn operator(&mut self, name: &Piece) -> Result<(Operator, Range<usize>), FilterError> {
        self.skip(char::is_whitespace);
        let from = self.at;
        if let Some(&(symbol, operator)) = self.symbol() {
            self.at += symbol.len();
            return Ok((operator, from..self.at));
        }
        let word = self.word();
        if let Some(operator) = self.word_operator(&word) {
            return Ok((operator, from..self.at));
        }
        // What stands here may be the next condition: it is left for the next turn.
        self.at = from;
        let (at, message) = match (word.text.as_str(), self.rest().chars().next()) {
            ("", None) => (
                name.at.clone(),
                format!("an operator and a value are missing behind `{}`", name.text),
            ),
            ("", Some(other)) => {
                self.skip_word();
                (
                    from..from + other.len_utf8(),
                    format!("`{other}` is not an operator"),
                )
            }
            _ => (
                name.at.clone(),
                format!("an operator is missing behind `{}`", name.text),
            ),
        };
        Err(FilterError::new(at, message, OPERATORS))
    }

    fn symbol(&self) -> Option<&'static (&'static str, Operator)> {
        SYMBOLS
            .iter()
            .find(|(symbol, _)| self.rest().starts_with(symbol))
    }

    /// Reads `in` and its like, also `not in` and `not eq`.
    fn word_operator(&mut self, word: &Piece) -> Option<Operator> {
        let word = word.text.to_ascii_lowercase();
        if word == "not" {
            let back = self.at;
            self.skip(char::is_whitespace);
            match self.word().text.to_ascii_lowercase().as_str() {
                "in" => return Some(Operator::NotIn),
                "eq" => return Some(Operator::NotEqual),
                _ => self.at = back,
            }
        }
        WORDS
            .iter()
            .find(|(text, _)| *text == word)
            .map(|(_, operator)| *operator)
    }

    fn operator_follows(&self) -> bool {
        let mut ahead = Self {
            text: self.text,
            at: self.at,
        };
        ahead.skip(char::is_whitespace);
        ahead.symbol().is_some()
    }

    fn values(&mut self, operator: &Range<usize>) -> Result<Values, FilterError> {
        self.skip(char::is_whitespace);
        match self.rest().chars().next() {
            Some('[') => self.list(),
            Some(quote @ ('"' | '\'')) => self.quoted(quote).map(Values::One),
            _ => {
                let value = self.until(ends_value);
                if value.text.is_empty() {
                    let written = &self.text[operator.clone()];
                    self.skip_word();
                    return Err(FilterError::new(
                        operator.clone(),
                        format!("a value is missing behind `{written}`"),
                        EXAMPLE,
                    ));
                }
                match self.rest().starts_with(is_symbol) {
                    true => Err(self.run_together(&value)),
                    false => Ok(Values::One(value)),
                }
            }
        }
    }

    fn run_together(&mut self, value: &Piece) -> FilterError {
        self.skip_word();
        let message = format!("a second operator follows `{}`", value.text);
        FilterError::new(
            value.at.clone(),
            message,
            "put a blank between the conditions",
        )
    }

    fn list(&mut self) -> Result<Values, FilterError> {
        let from = self.at;
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ',');
            match self.rest().chars().next() {
                None => return Err(self.unclosed(from, ']')),
                Some(']') => {
                    self.at += 1;
                    return Ok(Values::List(items, from..self.at));
                }
                Some(quote @ ('"' | '\'')) => items.push(self.quoted(quote)?),
                Some('[') => {
                    let at = self.at..self.at + 1;
                    // Which bracket closes what can only be guessed.
                    self.at = self.text.len();
                    return Err(FilterError::new(
                        at,
                        "a list within a list",
                        "write [a, b, c]",
                    ));
                }
                Some(_) => {
                    let mut item = self.until(|c| matches!(c, ',' | '[' | ']' | '"' | '\''));
                    let kept = item.text.trim_end().len();
                    item.text.truncate(kept);
                    item.at.end = item.at.start + kept;
                    items.push(item);
                }
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Piece, FilterError> {
        let from = self.at;
        self.at += 1;
        let Some(length) = self.rest().find(quote) else {
            return Err(self.unclosed(from, quote));
        };
        let text = self.rest()[..length].to_owned();
        self.at += length + 1;
        Ok(Piece {
            text,
            at: from..self.at,
        })
    }

    /// Nothing can be told of what follows, so the rest is stepped over.
    fn unclosed(&mut self, from: usize, partner: char) -> FilterError {
        self.at = self.text.len();
        FilterError::new(
            from..from + 1,
            format!("the closing `{partner}` is missing"),
            format!("put a `{partner}` where the value ends"),
        )
    }

    fn word(&mut self) -> Piece {
        self.until(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
    }

    fn until(&mut self, stop: impl Fn(char) -> bool) -> Piece {
        let from = self.at;
        self.skip(|c| !stop(c));
        Piece {
            text: self.text[from..self.at].to_owned(),
            at: from..self.at,
        }
    }

    /// Steps over what is left of something that was not understood.
    fn skip_word(&mut self) {
        self.skip(|c| !c.is_whitespace());
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !what(c)).unwrap_or(rest.len());
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }
}

fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '<' | '>' | '!' | '≤' | '≥')
}

/// Conditions may be separated by more than blanks, and then say the same.
fn is_separator(c: char) -> bool {
    matches!(c, ',' | ';' | '&')
}

fn ends_value(c: char) -> bool {
    let is_bracket = matches!(c, '[' | ']' | '"' | '\'');
    c.is_whitespace() || is_separator(c) || is_symbol(c) || is_bracket
}
