//! The parser's events to nodes.

use super::node::{Data, Entry, Node, Place, Scalar, Type, brief};
use crate::code::Code;
use crate::read::Findings;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashMap;

/// How deep lists and mappings may be nested; a job file needs five levels.
const DEPTH_MAX: usize = 32;

/// Reads a text as one YAML document; what is wrong with it goes to `findings`.
///
/// Returns nothing for an empty file, and for one that cannot be read to its end.
pub(crate) fn build(text: &str, findings: &mut Findings<'_>) -> Option<Node> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let opener = builder.open.last().map(Open::at);
                super::syntax::report(text, &error, opener, findings);
                return None;
            }
        };
        match builder.take(event, place(span), findings) {
            Flow::Continue => {}
            Flow::Stop => return None,
        }
    }
    match builder.aliases {
        0 => builder.root,
        // What an alias stands for is unknown, so nothing more can be said about the file.
        _ => None,
    }
}

fn place(span: Span) -> Place {
    let begin = span.start.index();
    begin..span.end.index().max(begin)
}

/// Whether the rest of the file is worth reading.
enum Flow {
    Continue,
    Stop,
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    documents: usize,
    aliases: usize,
}

/// A list or mapping that has not ended yet.
enum Open {
    List(Place, Vec<Node>),
    Map {
        at: Place,
        entries: Vec<Entry>,
        seen: HashMap<String, usize>,
        key: Option<Node>,
    },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, at: Place, findings: &mut Findings<'_>) -> Flow {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a second document begins here".to_owned();
                    let hint = "a job file is one document; put each job into a file of its own";
                    findings.report(Code::ManyDocuments, &at, message, hint);
                    return Flow::Stop;
                }
            }
            Event::Alias(_) => {
                self.aliases += 1;
                indirection("an alias", &at, findings);
                self.put(text_node(at, String::new(), Type::Nothing), findings);
            }
            Event::Scalar(text, style, anchor, tag) => {
                refuse_marks(anchor, tag.as_ref(), &at, findings);
                let type_ = match style {
                    ScalarStyle::Plain => Type::of_plain(&text),
                    _ => Type::Text,
                };
                self.put(text_node(at, text.into_owned(), type_), findings);
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_marks(anchor, tag.as_ref(), &at, findings);
                return self.begin(Open::List(at, Vec::new()), findings);
            }
            Event::MappingStart(anchor, tag) => {
                refuse_marks(anchor, tag.as_ref(), &at, findings);
                let (entries, seen) = (Vec::new(), HashMap::new());
                let map = Open::Map {
                    at,
                    entries,
                    seen,
                    key: None,
                };
                return self.begin(map, findings);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(node) = self.open.pop().map(|open| open.close(at.end)) {
                    self.put(node, findings);
                }
            }
        }
        Flow::Continue
    }

    fn begin(&mut self, open: Open, findings: &mut Findings<'_>) -> Flow {
        if self.open.len() < DEPTH_MAX {
            self.open.push(open);
            return Flow::Continue;
        }
        let message = format!("this is nested more than {DEPTH_MAX} levels deep");
        let hint = "no key of a job file needs so many levels; take some away";
        findings.report(Code::TooDeep, open.at(), message, hint);
        Flow::Stop
    }

    fn put(&mut self, node: Node, findings: &mut Findings<'_>) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map {
                entries, seen, key, ..
            }) => match key.take() {
                None => *key = Some(node),
                Some(key) => entry(key, node, entries, seen, findings),
            },
        }
    }
}

impl Open {
    fn at(&self) -> &Place {
        match self {
            Self::List(at, _) | Self::Map { at, .. } => at,
        }
    }

    fn close(self, end: usize) -> Node {
        let to_end = |at: Place| at.start..end.max(at.start);
        match self {
            Self::List(at, nodes) => Node {
                at: to_end(at),
                data: Data::List(nodes),
            },
            Self::Map { at, entries, .. } => Node {
                at: to_end(at),
                data: Data::Map(entries),
            },
        }
    }
}

fn text_node(at: Place, text: String, type_: Type) -> Node {
    let data = Data::Scalar(Scalar { text, type_ });
    Node { at, data }
}

/// Adds an entry, unless its key is none that a mapping here can have.
fn entry(
    key: Node,
    mut value: Node,
    entries: &mut Vec<Entry>,
    seen: &mut HashMap<String, usize>,
    findings: &mut Findings<'_>,
) {
    let Data::Scalar(Scalar { text, .. }) = key.data else {
        let message = format!("a key must be text, but this is {key}");
        findings.report(
            Code::WrongType,
            &key.at,
            message,
            "put quotes around the key",
        );
        return;
    };
    if text == "<<" {
        return indirection("a merge key", &key.at, findings);
    }
    if let Some(line) = seen.get(&text) {
        let message = format!("`{}` stands here a second time", brief(&text));
        let hint = format!("it is also on line {line}; keep one of the two");
        return findings.report(Code::DoubledKey, &key.at, message, &hint);
    }
    seen.insert(text.clone(), findings.line_of(&key.at));
    if value.at.is_empty() {
        // A value that is not there has no place of its own.
        value.at = key.at.clone();
    }
    entries.push(Entry {
        key: text,
        key_at: key.at,
        value,
    });
}

fn refuse_marks<T>(anchor: usize, tag: Option<&T>, at: &Place, findings: &mut Findings<'_>) {
    if anchor > 0 {
        indirection("an anchor", at, findings);
    }
    if tag.is_some() {
        indirection("a tag", at, findings);
    }
}

fn indirection(what: &str, at: &Place, findings: &mut Findings<'_>) {
    let message = format!("{what} is not allowed in a job file");
    let hint = "write the value out at each place where it is needed";
    findings.report(Code::Indirection, at, message, hint);
}
