//! A synthetic multitask data set: ray-cast pictures of furnished rooms, with segmentation,
//! depth, normals, occlusion boundaries and the kind of room.
//!
//! A seed gives the same pixels on every machine: only operations that IEEE 754 rounds exactly
//! and `libm` are used, and no picture depends on another.

mod bvh;
mod camera;
mod classes;
mod dataset;
mod decor;
mod edges;
mod furnish;
mod furniture;
mod layout;
mod lighting;
mod manifest;
mod material;
mod object;
mod palette;
mod picture;
mod rng;
mod scene;
mod shade;
mod shape;
mod vector;

pub use camera::{HEIGHT, WIDTH};
pub use classes::{CLASS_NAMES, Class, ROOM_NAMES, Room};
pub use dataset::{SceneError, SceneOptions, write_dataset};
pub use picture::{DEPTH_UNIT, Picture, render};
