//! What is said about a collection: in bounded space, whatever a pod has made.

/// A pod that leaves out a million files does not get a million notes.
const MAX_NOTES: usize = 200;
/// As much of the beginning, and of the end, of a long note is shown.
const NOTE_END: usize = 180;

/// Words about files that did not come along.
#[derive(Default)]
pub(super) struct Notes {
    texts: Vec<String>,
    more: u64,
}

impl Notes {
    pub(super) fn add(&mut self, text: String) {
        match self.texts.len() < MAX_NOTES {
            true => self.texts.push(shorten(text)),
            false => self.more += 1,
        }
    }

    pub(super) fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.texts.push(format!("and {} more", self.more));
        }
        self.texts
    }
}

/// Cuts the middle out of a text that names a path of thousands of characters.
fn shorten(text: String) -> String {
    let count = text.chars().count();
    if count <= 2 * NOTE_END {
        return text;
    }
    let begin = text.chars().take(NOTE_END);
    let end = text.chars().skip(count - NOTE_END);
    begin.chain(" … ".chars()).chain(end).collect()
}
