//! Tasks: losses, metrics, labels, data sets.
