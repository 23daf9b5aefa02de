//! Removes pruned channels physically: a smaller graph with the same inputs and outputs.
