//! Compiled shaders that are kept between runs: used, left alone where damaged, and not there where not wanted.

use crate::bench::{Bench, Done, finish, has_device, program, run};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Runs `verify`, which compiles, with `home` for the user's cache folder.
fn verify(bench: &Bench, home: &Path, more: &[&str]) -> Done {
    let mut command = program(&[&["verify", &bench.text("small.onnx")], more].concat());
    command.env("XDG_CACHE_HOME", home).env_remove("PAGCP_NO_CACHE");
    let done = finish(command);
    assert_eq!(done.code, Some(0), "{done:?}");
    done
}

fn files(home: &Path) -> Vec<PathBuf> {
    let Ok(listed) = fs::read_dir(home.join("wgpu-pagcp")) else { return Vec::new() };
    listed.map(|entry| entry.unwrap().path()).collect()
}

/// Whether the device that commands open hands its pipelines out.
fn has_pipelines() -> bool {
    let done = run(&["devices", "--json"]);
    let devices: Value = serde_json::from_str(&done.stdout).unwrap();
    let all = devices["devices"].as_array().or(devices.as_array()).unwrap().clone();
    all.iter().all(|device| device["backend"] == "vulkan")
}

#[cfg(target_os = "linux")]
#[test]
fn compiled_shaders_are_kept_and_damaged_ones_replaced() {
    if !has_device() || !has_pipelines() {
        return;
    }
    let bench = Bench::new();
    let home = bench.path("cache");
    let first = verify(&bench, &home, &[]);
    let kept = files(&home);
    assert_eq!(kept.len(), 1, "one device has one file: {kept:?}");
    let whole = fs::read(&kept[0]).unwrap();
    let again = verify(&bench, &home, &[]);
    assert_eq!((&again.stderr, &first.stderr), (&String::new(), &String::new()));
    fs::write(&kept[0], &whole[..whole.len() - 1]).unwrap();
    let damaged = verify(&bench, &home, &[]);
    assert!(damaged.stderr.contains("damaged"), "{damaged:?}");
    assert_eq!(files(&home), kept);
    assert_eq!(verify(&bench, &home, &[]).stderr, "", "the damaged file was replaced");
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_is_kept_where_it_is_not_wanted_or_cannot_be() {
    if !has_device() || !has_pipelines() {
        return;
    }
    let bench = Bench::new();
    let home = bench.path("cache");
    verify(&bench, &home, &["--no-cache"]);
    let mut command = program(&["verify", &bench.text("small.onnx")]);
    command.env("XDG_CACHE_HOME", &home).env("PAGCP_NO_CACHE", "1");
    assert_eq!(finish(command).code, Some(0));
    assert_eq!(files(&home), Vec::<PathBuf>::new());
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("wgpu-pagcp"), "in the way").unwrap();
    let blocked = verify(&bench, &home, &[]);
    assert!(blocked.stderr.contains("cannot be kept") && !blocked.stderr.contains("error: "), "{blocked:?}");
}
