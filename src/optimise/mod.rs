//! Graph rewrites before planning: folding and fusion.
