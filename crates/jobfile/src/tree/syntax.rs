//! The YAML parser's errors in words that help.

use super::node::Place;
use crate::code::Code;
use crate::read::Findings;
use saphyr_parser::ScanError;

/// Reports why the text is not YAML. `opener` is the innermost list or mapping that had begun.
pub(super) fn report(
    text: &str,
    error: &ScanError,
    opener: Option<&Place>,
    findings: &mut Findings<'_>,
) {
    let at = error.marker().index();
    let one = |at: usize| at..at + 1;
    let info = error.info();
    let (place, message, hint) = if let Some(open) =
        opener.filter(|open| is_unclosed(text, open, error))
    {
        (
            one(open.start),
            "this bracket is not closed".to_owned(),
            "close it, or write the list or mapping with one entry per line",
        )
    } else if info.contains("unexpected end of stream") {
        (
            one(at),
            "this quote is not closed".to_owned(),
            "close it at the end of the text",
        )
    } else if info.contains("tab") {
        (
            one(next_tab(text, at)),
            "there is a tab here, and YAML is indented with spaces".to_owned(),
            "replace the tab with spaces",
        )
    } else if info.contains("unknown anchor") {
        let message = "an alias is not allowed in a job file".to_owned();
        let hint = "write the value out, or put quotes around a text that begins with `*`";
        return findings.report(Code::Indirection, &one(at), message, hint);
    } else if info.contains("unexpected character") {
        (
            one(at),
            "a text cannot begin with this character".to_owned(),
            "put quotes around the text",
        )
    } else if info.contains("mapping values are not allowed") {
        (
            one(at),
            "there is a second `:` here, or the line is indented too far".to_owned(),
            "put quotes around a text with `: ` in it, and give keys of one mapping one indentation",
        )
    } else if info.contains("did not find expected key") {
        (
            one(at),
            "this does not go on with the mapping above it".to_owned(),
            "check the indentation: keys of one mapping begin in one column",
        )
    } else {
        (
            one(at),
            format!("this is not YAML: {info}"),
            "check the indentation, the quotes and the brackets on this line and the one above",
        )
    };
    findings.report(Code::Syntax, &place, message, hint);
}

/// Whether the file ended within brackets, which began at `open`.
fn is_unclosed(text: &str, open: &Place, error: &ScanError) -> bool {
    let is_bracket = matches!(text.chars().nth(open.start), Some('[' | '{'));
    let mut rest = text.chars().skip(error.marker().index());
    is_bracket && rest.all(char::is_whitespace)
}

fn next_tab(text: &str, at: usize) -> usize {
    let tab = text.chars().skip(at).position(|c| c == '\t');
    at + tab.unwrap_or(0)
}
