//! Writing results: into a folder that can be written, each file whole or not at all.

use super::Failure;
use serde::Serialize;
use std::fs;
use std::path::Path;

/// Makes a folder, with its parents, and makes sure that files can be written there.
pub fn output_folder(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|e| Failure::file(path, e))?;
    let probe = path.join(".writable");
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(|e| Failure::file(path, e))
}

/// Writes a file under a temporary name and renames it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    fs::write(&part, bytes).and_then(|()| fs::rename(&part, path)).map_err(|e| Failure::file(path, e))
}

/// Writes a value as indented JSON.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(Failure::work)?;
    bytes.push(b'\n');
    write_whole(path, &bytes)
}

/// Prints a value as indented JSON on standard output.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    println!("{}", serde_json::to_string_pretty(value).map_err(Failure::work)?);
    Ok(())
}
