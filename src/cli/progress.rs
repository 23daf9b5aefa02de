//! Progress on standard error.

use crate::search::{Observer, Visit};
use indicatif::{ProgressBar, ProgressStyle};

/// A bar over `total` steps; plain lines are left out where standard error is not a terminal.
pub fn bar(total: usize, what: &str) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix:>10} [{bar:32}] {pos}/{len} {elapsed} left {eta} {msg}")
            .expect("the template is valid")
            .progress_chars("=> ");
    ProgressBar::new(total as u64).with_style(style).with_prefix(what.to_owned())
}

/// Shows a search as it goes: a bar on a terminal, else one line for each unit.
pub struct SearchProgress {
    bar: ProgressBar,
}

impl SearchProgress {
    /// A bar that learns its length at the first visit.
    pub fn new() -> Self {
        Self { bar: bar(0, "search") }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for SearchProgress {
    fn visiting(&mut self, done: usize, total: usize, unit: &str) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(unit.to_owned());
    }

    fn scored(&mut self, keep: usize, channels: usize, worst: f64) {
        let message = format!("{keep} of {channels} channels: worst task {:+.2} %", 100.0 * worst);
        self.bar.set_message(message);
    }

    fn settled(&mut self, visit: &Visit) {
        let channels = visit.order.len();
        let kept = visit.accepted.unwrap_or(channels);
        let why = visit.limited_by.as_deref().map_or(String::new(), |task| format!(", stopped by {task}"));
        let ranked = visit.ranked_by.map_or(String::new(), |criterion| format!(", ranked by {criterion}"));
        let line = format!("{}: keeps {kept} of {channels}{why}{ranked}", visit.unit);
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
        self.bar.inc(1);
    }
}
