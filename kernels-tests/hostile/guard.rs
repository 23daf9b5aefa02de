//! What a case may cost: an allocator that counts, a clock, and a watchdog for cases that do not end.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The most that the heap of one case may grow by.
pub const MEMORY: usize = 1 << 30;

/// The longest that one case may take, on a busy machine and without optimisation.
pub const TIME: Duration = Duration::from_secs(10);

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, which counts what each thread holds and refuses what no test needs.
pub struct Counting;

/// What an allocation that is refused asks for: enough to see that a case is over [`MEMORY`], and never given.
const REFUSED: usize = 4 * MEMORY;

fn count(bytes: isize) {
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

#[expect(unsafe_code, reason = "an allocator can only be written so; it counts and passes everything on")]
// SAFETY: every call is passed on to the system's allocator as it is; a refusal is a null pointer, as the trait allows.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        if layout.size() > REFUSED {
            return std::ptr::null_mut();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        if layout.size() > REFUSED {
            return std::ptr::null_mut();
        }
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        if size > REFUSED {
            return std::ptr::null_mut();
        }
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What is running: a name, and since when.
static RUNNING: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// Does `work`, and says what it cost: the growth of the heap at its largest, and the time.
///
/// A case that allocates far beyond [`MEMORY`] at once, or does not end, aborts the process; `name` is then the last
/// that the watchdog or the standard error names.
pub fn guarded<T>(name: &str, work: impl FnOnce() -> T) -> (T, usize, Duration) {
    RUNNING.lock().expect("no holder panics").push((name.to_owned(), Instant::now()));
    let before = LIVE.get();
    PEAK.set(before);
    let start = Instant::now();
    let result = work();
    let taken = start.elapsed();
    let grown = usize::try_from(PEAK.get() - before).unwrap_or(0);
    RUNNING.lock().expect("no holder panics").retain(|(running, _)| running != name);
    (result, grown, taken)
}

/// Starts the thread that ends the process where a case runs for six times [`TIME`].
pub fn watch() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let running = RUNNING.lock().expect("no holder panics");
            if let Some((name, _)) = running.iter().find(|(_, since)| since.elapsed() > 6 * TIME) {
                eprintln!("{name} does not end");
                std::process::abort();
            }
        }
    });
}

#[test]
fn memory_is_counted_at_its_peak() {
    let (length, grown, _) = guarded("control", || {
        drop(vec![1_u8; 10 << 20]);
        vec![1_u8; 5 << 20].len()
    });
    assert_eq!(length, 5 << 20);
    assert!((10 << 20..11 << 20).contains(&grown), "{grown}");
}
