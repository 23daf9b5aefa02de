//! The program as users run it: every command and its JSON, a whole pruning, searches killed at any moment, and input
//! that cannot be used.
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test")]

mod agreement;
mod bench;
mod cache;
mod detection;
mod finetune;
mod interrupted;
mod network;
mod networks;
mod outputs;
#[path = "../../src/onnx/proto.rs"]
mod proto;
mod prune;
mod refused;
mod times;
mod unreadable;
mod unsupported;
