//! Writes the pictures and labels as a folder that the tasks file describes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use thiserror::Error;

use super::camera::{HEIGHT, WIDTH};
use super::manifest;
use super::picture::{Picture, render};

/// Why a data set could not be written.
#[derive(Debug, Error)]
pub enum SceneError {
    /// A folder or file could not be created.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A picture could not be encoded.
    #[error("cannot encode {}: {source}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the encoder said.
        source: ImageError,
    },
}

/// How many pictures each split gets and the seed they follow from.
#[derive(Clone, Copy, Debug)]
pub struct SceneOptions {
    /// Pictures to train and search on.
    pub train: usize,
    /// Pictures to report results on.
    pub val: usize,
    /// Decides every picture.
    pub seed: u64,
}

/// The pictures of `val` have indices from here on, so that no split contains another's.
const VAL_START: u64 = 1 << 32;
const FOLDERS: [&str; 5] = ["images", "seg", "depth", "normals", "edges"];

struct Split<'a> {
    folder: PathBuf,
    count: usize,
    start: u64,
    seed: u64,
    finished: &'a (dyn Fn() + Sync),
}

/// Writes the data set under `out`; calls `progress(done, total)` after each picture.
///
/// # Errors
/// Names the file or folder that could not be written. `tasks.toml` is written last: where it
/// exists, the data set is complete.
pub fn write_dataset(
    out: &Path,
    options: &SceneOptions,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), SceneError> {
    let total = options.train + options.val;
    let done = AtomicUsize::new(0);
    let finished = || progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
    let tasks = out.join("tasks.toml");
    if tasks.exists() {
        fs::remove_file(&tasks).map_err(|source| SceneError::Write { path: tasks.clone(), source })?;
    }
    let splits = [("train", options.train, 0), ("val", options.val, VAL_START)];
    for (name, count, start) in splits {
        let split = Split { folder: out.join(name), count, start, seed: options.seed, finished: &finished };
        split.write()?;
    }
    replace(&tasks, manifest::tasks_toml().as_bytes())
}

impl Split<'_> {
    fn write(&self) -> Result<(), SceneError> {
        for name in FOLDERS {
            let path = self.folder.join(name);
            fs::create_dir_all(&path).map_err(|source| SceneError::Write { path, source })?;
        }
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let failure = Mutex::new(None);
        let mut rooms = vec![0; self.count];
        let slots: Vec<Mutex<&mut u8>> = rooms.iter_mut().map(Mutex::new).collect();
        let work = || {
            while !failed.load(Ordering::Relaxed) {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(slot) = slots.get(index) else { return };
                match self.write_picture(index) {
                    Ok(room) => **lock(slot) = room,
                    Err(error) => {
                        failed.store(true, Ordering::Relaxed);
                        *lock(&failure) = Some(error);
                    }
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads.min(self.count) {
                scope.spawn(work);
            }
        });
        drop(slots);
        if let Some(error) = lock(&failure).take() {
            return Err(error);
        }
        let table: String =
            rooms.iter().enumerate().map(|(index, room)| format!("{index:06},{room}\n")).collect();
        replace(&self.folder.join("room.csv"), table.as_bytes())
    }

    fn write_picture(&self, index: usize) -> Result<u8, SceneError> {
        let picture = render(self.seed, self.start + index as u64);
        let file = |folder: &str| self.folder.join(folder).join(format!("{index:06}.png"));
        let depth: Vec<u8> = picture.depth.iter().flat_map(|depth| depth.to_ne_bytes()).collect();
        let Picture { image, seg, normals, edges, room, .. } = picture;
        let (grey, colour) = (ExtendedColorType::L8, ExtendedColorType::Rgb8);
        write_png(&file("images"), &image, colour)?;
        write_png(&file("seg"), &seg, grey)?;
        write_png(&file("depth"), &depth, ExtendedColorType::L16)?;
        write_png(&file("normals"), &normals, colour)?;
        write_png(&file("edges"), &edges, grey)?;
        (self.finished)();
        Ok(room)
    }
}

/// A worker that panicked has already failed the run; its data may still be read.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write_png(path: &Path, pixels: &[u8], colour: ExtendedColorType) -> Result<(), SceneError> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
        .write_image(pixels, WIDTH as u32, HEIGHT as u32, colour)
        .map_err(|source| SceneError::Encode { path: path.to_owned(), source })?;
    replace(path, &bytes)
}

/// Writes a file under another name first, so that no reader sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), SceneError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = PathBuf::from(name);
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .map_err(|source| SceneError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_data_set_is_written_and_an_unwritable_place_is_named() {
        let out = std::env::temp_dir().join(format!("scenes-{}", std::process::id()));
        let options = SceneOptions { train: 2, val: 1, seed: 3 };
        let calls = AtomicUsize::new(0);
        let progress = |_: usize, total: usize| {
            assert_eq!(total, 3);
            calls.fetch_add(1, Ordering::Relaxed);
        };
        write_dataset(&out, &options, &progress).unwrap();
        assert_eq!(calls.into_inner(), 3);
        for (split, index, count) in [("train", 1, 2), ("val", VAL_START, 1)] {
            let folder = out.join(split);
            let name = format!("{:06}.png", count - 1);
            let picture = render(3, index);
            let decode = |plane: &str| image::open(folder.join(plane).join(&name)).unwrap();
            assert_eq!(decode("images").into_rgb8().into_raw(), picture.image);
            assert_eq!(decode("seg").into_luma8().into_raw(), picture.seg);
            assert_eq!(decode("depth").into_luma16().into_raw(), picture.depth);
            assert_eq!(decode("normals").into_rgb8().into_raw(), picture.normals);
            assert_eq!(decode("edges").into_luma8().into_raw(), picture.edges);
            let rooms = fs::read_to_string(folder.join("room.csv")).unwrap();
            assert_eq!(rooms.lines().count(), count);
            assert!(rooms.ends_with(&format!("{:06},{}\n", count - 1, picture.room)));
        }
        let tasks = out.join("tasks.toml");
        assert!(fs::read_to_string(&tasks).unwrap().contains("[[task]]"));
        let error = write_dataset(&tasks, &options, &|_, _| ()).unwrap_err();
        assert!(error.to_string().contains("tasks.toml"));
        fs::remove_dir_all(&out).unwrap();
    }
}
