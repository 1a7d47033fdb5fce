//! Tables: columns two spaces apart, as wide as their widest cell, nothing cut.

use livery_units::text;
use std::io::Write;

/// A table that is printed once it is whole.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Makes a table with these headings.
    pub fn new<const N: usize>(headings: [&str; N]) -> Self {
        Self {
            rows: vec![headings.map(str::to_owned).to_vec()],
        }
    }

    /// Makes a table without headings.
    pub fn bare() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        // Names come from users: nothing in them may move the cursor.
        let printable = |cell: String| cell.replace(text::is_control, "\u{fffd}");
        self.rows.push(cells.map(printable).to_vec());
    }

    /// Prints it on standard output.
    pub fn print(&self) -> std::io::Result<()> {
        let mut out = super::out();
        out.write_all(self.to_text().as_bytes())?;
        out.flush()
    }

    /// Returns it as text.
    pub fn to_text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths);
            let padded = cells.map(|(cell, width)| format!("{cell:<width$}"));
            text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["ID", "NAME", "AGE"]);
        table.row(["1".into(), "a-long-name".into(), "3s".into()]);
        table.row(["100".into(), "b\x1b[2J\u{202e}".into(), String::new()]);
        assert_eq!(
            table.to_text(),
            "ID   NAME         AGE\n1    a-long-name  3s\n100  b\u{fffd}[2J\u{fffd}\n"
        );
    }
}
