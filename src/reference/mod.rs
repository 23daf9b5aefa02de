//! Naive operators in f64: the oracle of every test, also used to fold constants and to verify.
