//! Scores candidates of a network on a data set with the GPU.
