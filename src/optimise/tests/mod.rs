//! Passes on their patterns and near misses, and whole random graphs.
