//! Checkpoints: all that a training goes on from, in one file that is there whole or not at all.
//!
//! Little endian: magic, version (`u32`), bytes of the head (`u32`), key (`u64`), bytes of the file (`u64`); the head as
//! JSON, with the names and lengths of the sections; the sections' floats; FNV-1a of everything before it (`u64`).

use super::State;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

const MAGIC: &[u8; 8] = b"pagcptrn";
const VERSION: u32 = 1;
/// Magic, version, bytes of the head, key, bytes of the file.
const HEADER: usize = 32;
const CHECKSUM: usize = 8;

/// Why a checkpoint cannot be written or gone on from.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file could not be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file could not be written; the one before it is as it was.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Some other file.
    #[error("{}: is no checkpoint of a training", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint of another version of the program.
    #[error("{}: has version {found} of checkpoints, this program reads version {VERSION}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The end is missing.
    #[error("{}: is cut short: {found} bytes", path.display())]
    Cut {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
    /// The bytes are not those that were written.
    #[error("{}: is damaged: its checksum is another", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// A checkpoint of a training with other settings, another network or other data.
    #[error("{}: belongs to a training with other settings", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// The head does not say what this training needs to know.
    #[error("{}: its head cannot be used: {source}", path.display())]
    Head {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

/// A head and its sections.
pub type Found<H> = (H, Vec<Section<Vec<f32>>>);

/// A name and its floats.
pub type Section<F> = (String, F);

#[derive(Serialize, Deserialize)]
struct Head<H> {
    head: H,
    /// Names and lengths.
    sections: Vec<(String, usize)>,
}

/// A number that hardly any two trainings share unless `of`, by which they are to be told apart, is equal: settings,
/// and what identifies network and data.
///
/// # Errors
/// Where `of` has no JSON.
pub fn key(of: &impl Serialize) -> Result<u64, serde_json::Error> {
    Ok(fnv(START, &serde_json::to_vec(of)?))
}

/// Writes a checkpoint in place of the one that `path` may have been. Whenever the program or the machine stops, one of
/// both is there.
///
/// # Errors
/// [`CheckpointError::Write`], [`CheckpointError::Head`].
pub fn write(
    path: &Path,
    key: u64,
    head: &impl Serialize,
    sections: &[Section<&[f32]>],
) -> Result<(), CheckpointError> {
    let lengths = sections.iter().map(|(name, floats)| (name.clone(), floats.len())).collect();
    let head = serde_json::to_vec(&Head { head, sections: lengths })
        .map_err(|source| CheckpointError::Head { path: path.to_owned(), source })?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = stream(&part, key, &head, sections)
        .and_then(|()| fs::rename(&part, path))
        .and_then(|()| sync_folder(path));
    written.map_err(|source| {
        // What is left of it is of no use, and why it could not be written is told already.
        let _ = fs::remove_file(&part);
        CheckpointError::Write { path: path.to_owned(), source }
    })
}

/// The head and the sections of a checkpoint that was written with the same key.
///
/// # Errors
/// [`CheckpointError`]: whatever is not, byte for byte, what was written.
pub fn read<H: DeserializeOwned>(path: &Path, key: u64) -> Result<Found<H>, CheckpointError> {
    let bytes = fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })?;
    let path = path.to_owned();
    let (head_length, found_key) = match header(&bytes) {
        Ok(header) => header,
        Err(Fault::Foreign) => return Err(CheckpointError::Foreign { path }),
        Err(Fault::Cut) => return Err(CheckpointError::Cut { path, found: bytes.len() }),
        Err(Fault::Version(found)) => return Err(CheckpointError::Version { path, found }),
    };
    let (rest, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    let body = &rest[HEADER..];
    if fnv(START, rest) != number(checksum) || body.len() < head_length {
        return Err(CheckpointError::Damaged { path });
    }
    if found_key != key {
        return Err(CheckpointError::Other { path });
    }
    let (head, mut floats) = body.split_at(head_length);
    let Head { head, sections } = match serde_json::from_slice::<Head<H>>(head) {
        Ok(head) => head,
        Err(source) => return Err(CheckpointError::Head { path, source }),
    };
    let mut found = Vec::new();
    for (name, length) in sections {
        let Some((own, after)) = length.checked_mul(4).and_then(|bytes| floats.split_at_checked(bytes))
        else {
            return Err(CheckpointError::Damaged { path });
        };
        let float = |bytes: &[u8]| f32::from_bits(number(bytes) as u32);
        found.push((name, own.chunks_exact(4).map(float).collect()));
        floats = after;
    }
    if floats.is_empty() { Ok((head, found)) } else { Err(CheckpointError::Damaged { path }) }
}

enum Fault {
    Foreign,
    Version(u32),
    Cut,
}

/// Bytes of the head, and the key, of a file that has the length that it says.
fn header(bytes: &[u8]) -> Result<(usize, u64), Fault> {
    let shared = bytes.len().min(MAGIC.len());
    if bytes[..shared] != MAGIC[..shared] {
        return Err(Fault::Foreign);
    }
    let field = |from: usize, to: usize| bytes.get(from..to).map(number).ok_or(Fault::Cut);
    let version = field(8, 12)? as u32;
    if version != VERSION {
        return Err(Fault::Version(version));
    }
    let length = field(24, HEADER)?;
    if (bytes.len() as u64) < length || bytes.len() < HEADER + CHECKSUM {
        return Err(Fault::Cut);
    }
    Ok((field(12, 16)? as usize, field(16, 24)?))
}

/// A little endian number of up to 8 bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, gone on with.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Writes all bytes of a checkpoint, down to the disk.
fn stream(part: &Path, key: u64, head: &[u8], sections: &[Section<&[f32]>]) -> io::Result<()> {
    let floats: usize = sections.iter().map(|(_, floats)| floats.len()).sum();
    let length = HEADER + head.len() + 4 * floats + CHECKSUM;
    let head_length = u32::try_from(head.len()).map_err(io::Error::other)?;
    let mut header = MAGIC.to_vec();
    header.extend(VERSION.to_le_bytes());
    header.extend(head_length.to_le_bytes());
    header.extend(key.to_le_bytes());
    header.extend((length as u64).to_le_bytes());
    let mut file = BufWriter::new(fs::File::create(part)?);
    let mut hash = START;
    let mut put = |bytes: &[u8]| {
        hash = fnv(hash, bytes);
        file.write_all(bytes)
    };
    put(&header)?;
    put(head)?;
    for (_, floats) in sections {
        floats.iter().try_for_each(|float| put(&float.to_le_bytes()))?;
    }
    file.write_all(&hash.to_le_bytes())?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Makes a rename last, where folders can be synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// The names of the parts of a [`State`], before the number of the block.
const PARTS: [&str; 4] = ["weights", "first", "second", "average"];

impl State {
    /// Its numbers as sections; the step goes into the head.
    pub fn sections(&self) -> Vec<Section<&[f32]>> {
        let parts = PARTS.into_iter().zip([&self.weights, &self.first, &self.second, &self.average]);
        let mut sections = Vec::new();
        for (part, blocks) in parts {
            sections.extend(
                blocks
                    .iter()
                    .enumerate()
                    .map(|(block, floats)| (format!("{part}.{block}"), floats.as_slice())),
            );
        }
        sections
    }

    /// The state at `step` from what [`State::sections`] gave; sections of other names are left out.
    pub fn from_sections(step: u64, sections: Vec<Section<Vec<f32>>>) -> Self {
        let mut parts: [Vec<Vec<f32>>; 4] = Default::default();
        for (name, floats) in sections {
            let part = name.split_once('.').and_then(|(part, _)| PARTS.iter().position(|p| *p == part));
            if let Some(part) = part {
                parts[part].push(floats);
            }
        }
        let [weights, first, second, average] = parts;
        Self { step, weights, first, second, average }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Made {
        step: u64,
        best: f64,
    }

    const MADE: Made = Made { step: 7, best: 0.1 };

    fn state() -> State {
        let numbers = |from: f32| vec![vec![from, f32::MIN_POSITIVE, -0.0], vec![], vec![from + 1.0]];
        State { step: 7, weights: numbers(1.0), first: numbers(2.0), second: vec![], average: numbers(3.0) }
    }

    fn read_made(path: &Path) -> Result<(Made, State), CheckpointError> {
        read::<Made>(path, 5).map(|(made, sections)| (made, State::from_sections(7, sections)))
    }

    /// A folder with a checkpoint.
    fn written() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.ckpt");
        write(&path, 5, &MADE, &state().sections()).unwrap();
        (folder, path)
    }

    #[test]
    fn what_is_written_is_read() {
        let (folder, path) = written();
        assert_eq!(read_made(&path).unwrap(), (MADE, state()));
        let next = Made { step: 8, ..MADE };
        write(&path, 5, &next, &[]).unwrap();
        assert_eq!(read_made(&path).unwrap(), (next, State { step: 7, ..State::default() }));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the file is left");
    }

    #[test]
    fn a_file_cut_at_any_byte_is_refused() {
        let (_folder, path) = written();
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let error = read_made(&path).unwrap_err();
            assert!(matches!(error, CheckpointError::Cut { found, .. } if found == cut), "{cut}: {error}");
        }
        fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
        assert!(matches!(read_made(&path), Err(CheckpointError::Damaged { .. })));
    }

    #[test]
    fn any_other_byte_is_refused() {
        let (_folder, path) = written();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            for bit in [1, 128] {
                let mut damaged = whole.clone();
                damaged[at] ^= bit;
                fs::write(&path, &damaged).unwrap();
                let error = read_made(&path).unwrap_err();
                let right = match at {
                    0..8 => matches!(error, CheckpointError::Foreign { .. }),
                    8..12 => matches!(error, CheckpointError::Version { .. }),
                    24..32 => matches!(error, CheckpointError::Cut { .. } | CheckpointError::Damaged { .. }),
                    _ => matches!(error, CheckpointError::Damaged { .. }),
                };
                assert!(right, "byte {at}, bit {bit}: {error}");
            }
        }
    }

    #[test]
    fn other_trainings_and_other_heads_are_refused() {
        let (folder, path) = written();
        assert!(matches!(read::<Made>(&path, 6), Err(CheckpointError::Other { .. })));
        assert!(matches!(read::<Vec<u8>>(&path, 5), Err(CheckpointError::Head { .. })));
        let missing = folder.path().join("missing");
        assert!(matches!(read::<Made>(&missing, 5), Err(CheckpointError::Read { .. })));
        assert_eq!(key(&MADE).unwrap(), key(&Made { ..MADE }).unwrap());
        assert_ne!(key(&MADE).unwrap(), key(&Made { step: 8, ..MADE }).unwrap());
    }

    #[test]
    fn a_write_that_ended_early_leaves_the_checkpoint_before_it() {
        let (folder, path) = written();
        let part = folder.path().join("last.ckpt.part");
        fs::write(&part, &fs::read(&path).unwrap()[..40]).unwrap();
        assert_eq!(read_made(&path).unwrap().0, MADE);
        write(&path, 5, &MADE, &[]).unwrap();
        assert!(!part.exists());
        // A write that cannot begin says so and changes nothing.
        fs::create_dir(&part).unwrap();
        let error = write(&path, 5, &Made { step: 9, ..MADE }, &[]).unwrap_err();
        assert!(matches!(error, CheckpointError::Write { .. }), "{error}");
        assert_eq!(read_made(&path).unwrap().0, MADE);
    }
}
