//! Compiled pipelines kept on disk between runs, where the backend hands them out (Vulkan).

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What a file of this program begins with.
const MAGIC: &[u8; 8] = b"pagcpca1";

/// Magic, length, checksum.
const HEADER: usize = 24;

/// A larger file is begun anew: drivers never forget a pipeline.
const MOST_BYTES: usize = 64 << 20;

/// The pipelines of one device in a file that belongs to it, its driver and this version of the program.
#[derive(Debug)]
pub struct DiskCache {
    /// What pipelines are compiled with.
    pub pipelines: wgpu::PipelineCache,
    file: PathBuf,
}

impl DiskCache {
    /// The cache of `device` in `folder`; `None` where the backend has none. A file that cannot be used is as good as
    /// none, with a warning.
    pub fn open(device: &wgpu::Device, folder: &Path) -> Option<Self> {
        if !device.features().contains(wgpu::Features::PIPELINE_CACHE) {
            return None;
        }
        let key = wgpu::util::pipeline_cache_key(&device.adapter_info())?;
        let file = folder.join(format!("{key}-{}.bin", env!("CARGO_PKG_VERSION")));
        let data = load(&file);
        tracing::debug!(file = %file.display(), bytes = data.as_ref().map_or(0, Vec::len), "opened a pipeline cache");
        Some(Self { pipelines: pipelines(device, data.as_deref()), file })
    }

    /// Writes what has been compiled. Pipelines that cannot be kept are compiled again: a warning.
    pub fn save(&self) {
        let Some(data) = self.pipelines.get_data() else { return };
        if let Err(error) = store(&self.file, &data) {
            tracing::warn!("{}: compiled pipelines cannot be kept: {error}", self.file.display());
        }
    }
}

#[expect(unsafe_code, reason = "a driver trusts the bytes of a pipeline cache; see the SAFETY comment")]
fn pipelines(device: &wgpu::Device, data: Option<&[u8]>) -> wgpu::PipelineCache {
    let descriptor = wgpu::PipelineCacheDescriptor { label: Some("pipelines"), data, fallback: true };
    // SAFETY: the bytes are those that `PipelineCache::get_data` gave this version of this program. The file that they
    // come from is named after the backend, the vendor and the device, and holds their length and their checksum, so
    // that bytes cut short or damaged are not taken. wgpu compares the driver's own header with the device, and falls
    // back to an empty cache where they differ. The file lies in a folder that only its user writes to.
    unsafe { device.create_pipeline_cache(&descriptor) }
}

/// The bytes of a file; `None`, with a warning, where it is not one of ours, whole and of a reasonable size.
fn load(file: &Path) -> Option<Vec<u8>> {
    let warn = |reason: &str| tracing::warn!("{}: {reason}, pipelines are compiled again", file.display());
    let contents = match fs::read(file) {
        Ok(contents) => contents,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            warn(&error.to_string());
            return None;
        }
    };
    let Some(data) = unwrapped(&contents) else {
        warn("not a pipeline cache, or a damaged one");
        return None;
    };
    (data.len() <= MOST_BYTES).then(|| data.to_vec())
}

/// The data of a file's contents, where all of them are there as they were written.
fn unwrapped(contents: &[u8]) -> Option<&[u8]> {
    let (header, data) = contents.split_at_checked(HEADER)?;
    (header == header_of(data)).then_some(data)
}

fn header_of(data: &[u8]) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&(data.len() as u64).to_le_bytes());
    header[16..].copy_from_slice(&checksum(data).to_le_bytes());
    header
}

/// FNV-1a.
fn checksum(data: &[u8]) -> u64 {
    data.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Writes a file of which others see all or nothing.
fn store(file: &Path, data: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let part = PathBuf::from(name);
    let written = write(&part, data).and_then(|()| fs::rename(&part, file));
    if written.is_err() {
        // What is left of it is of no use, and why it could not be written is told already.
        let _ = fs::remove_file(&part);
    }
    written
}

fn write(part: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(part)?;
    file.write_all(&header_of(data))?;
    file.write_all(data)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded_and_what_is_damaged_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below/cache.bin");
        assert_eq!(load(&file), None);
        let data: Vec<u8> = (0..1000_u32).map(|i| (i * 7) as u8).collect();
        store(&file, &data).unwrap();
        store(&file, &data).unwrap();
        assert_eq!(load(&file), Some(data.clone()));
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "only the file is left");
        let whole = fs::read(&file).unwrap();
        for cut in [0, 7, HEADER - 1, HEADER, whole.len() - 1] {
            fs::write(&file, &whole[..cut]).unwrap();
            assert_eq!(load(&file), None, "{cut}");
        }
        for at in [0, 9, 20, HEADER, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 16;
            fs::write(&file, &damaged).unwrap();
            assert_eq!(load(&file), None, "{at}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        fs::write(&blocked, "in the way").unwrap();
        assert!(store(&blocked.join("cache.bin"), &[1]).is_err());
    }
}
