//! Tables on standard output.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

/// An empty table; its columns are as wide as their contents.
pub fn new(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

/// Aligns all columns from `first` on to the right, for numbers.
pub fn numbers_from(table: &mut Table, first: usize) {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

/// Millions with two decimals.
pub fn millions(count: u64) -> String {
    format!("{:.2} M", count as f64 / 1e6)
}

/// Bytes in MiB.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.2} MiB", bytes as f64 / f64::from(1 << 20))
}

/// A change as a share of what was before; nothing where that has no meaning.
pub fn change(before: f64, after: f64) -> String {
    if before == 0.0 || !(before.is_finite() && after.is_finite()) {
        return String::new();
    }
    format!("{:+.1} %", 100.0 * (after - before) / before)
}
