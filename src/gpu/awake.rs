//! Keeps a core of the host awake while a device that is the CPU computes.
//!
//! Its threads meet after every dispatch and sleep until then. A core on which nothing runs is halted, in a virtual
//! machine by leaving it, and takes some 20 to 200 us to come back, as long as a small layer computes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{JoinHandle, park, sleep, yield_now};
use std::time::{Duration, Instant};

/// A thread of the least share of a core that runs while work is on its way.
#[derive(Debug)]
pub(super) struct Waker {
    work: Arc<AtomicUsize>,
    /// None where there is no such priority.
    thread: Option<JoinHandle<()>>,
}

/// Added to the work when the thread is to end.
const END: usize = 1 << (usize::BITS - 1);

/// How long the thread stays awake after work, so that runs that follow one another find it so.
const LINGER: Duration = Duration::from_millis(5);

/// A thread that was away for so long has let another one run.
const OTHERS: Duration = Duration::from_micros(20);

/// Alone on its core for so long, the thread is in the way: the threads of the device share another core, since the
/// system finds none idle. It sleeps for [`NAP`] then, in which one of them is woken on its core.
const ALONE: Duration = Duration::from_millis(1);

/// Longer than most dispatches.
const NAP: Duration = Duration::from_micros(300);

/// Work on its way, until it is dropped.
#[derive(Debug)]
pub(super) struct Work(Arc<AtomicUsize>);

impl Waker {
    /// Starts the thread, which sleeps as long as there is no work.
    pub(super) fn start() -> Self {
        let work = Arc::new(AtomicUsize::new(0));
        let watched = work.clone();
        let run = move || {
            if !be_nice() {
                return;
            }
            while watched.load(Ordering::Acquire) < END {
                park();
                stay_awake(&watched);
            }
        };
        let thread = cfg!(target_os = "linux").then(|| std::thread::Builder::new().name("awake".to_owned()));
        let thread = thread.and_then(|builder| builder.spawn(run).ok());
        Self { work, thread }
    }

    /// Notes that work begins.
    pub(super) fn work(&self) -> Work {
        if self.work.fetch_add(1, Ordering::AcqRel) == 0
            && let Some(thread) = &self.thread
        {
            thread.thread().unpark();
        }
        Work(self.work.clone())
    }
}

/// Runs until there has been no work for a while, or no more will come.
fn stay_awake(work: &AtomicUsize) {
    let mut now = Instant::now();
    let (mut last, mut shared) = (now, now);
    loop {
        match work.load(Ordering::Acquire) {
            0 if now - last > LINGER => return,
            0 => {}
            END.. => return,
            _ => last = now,
        }
        yield_now();
        let before = std::mem::replace(&mut now, Instant::now());
        if now - before > OTHERS {
            shared = now;
        } else if now - shared > ALONE {
            sleep(NAP);
            now = Instant::now();
            shared = now;
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.work.fetch_add(END, Ordering::AcqRel);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It does nothing that could fail.
            let _ = thread.join();
        }
    }
}

/// Gives this thread the least share of a core that one can have which the system takes into account where it places others.
/// One that runs only where no other wants to is overlooked: both threads of a dispatch often stay on the other core then. False
/// where there is no such thing.
fn be_nice() -> bool {
    #[cfg(target_os = "linux")]
    return set_policy(thread_priority::NormalThreadSchedulePolicy::Other);
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// Lets this thread run where no other wants to, if the system can.
pub(crate) fn give_way() {
    #[cfg(target_os = "linux")]
    set_policy(thread_priority::NormalThreadSchedulePolicy::Idle);
}

/// Gives this thread a policy, and the lowest priority of that.
#[cfg(target_os = "linux")]
fn set_policy(policy: thread_priority::NormalThreadSchedulePolicy) -> bool {
    use thread_priority::{
        ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
    };
    let policy = ThreadSchedulePolicy::Normal(policy);
    let done = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy);
    if let Err(error) = &done {
        tracing::debug!(?error, "a thread does not give way to others");
    }
    done.is_ok()
}

#[cfg(test)]
mod tests {
    use super::{END, LINGER, Waker, stay_awake};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{sleep, spawn};
    use std::time::Instant;

    #[test]
    fn a_core_stays_awake_with_work_and_a_while_after_it() {
        let work = Arc::new(AtomicUsize::new(1));
        let watched = work.clone();
        let thread = spawn(move || stay_awake(&watched));
        sleep(2 * LINGER);
        assert!(!thread.is_finished());
        work.store(0, Ordering::Release);
        thread.join().expect("it ends");
        let start = Instant::now();
        stay_awake(&work);
        assert!(start.elapsed() > LINGER);
        work.store(END + 1, Ordering::Release);
        stay_awake(&work);
    }

    #[test]
    fn work_counts_until_it_is_dropped_and_the_thread_ends_with_or_without_it() {
        let waker = Waker::start();
        let count = waker.work.clone();
        let (first, second) = (waker.work(), waker.work());
        assert_eq!(count.load(Ordering::Acquire), 2);
        drop(first);
        sleep(2 * LINGER);
        drop(second);
        assert_eq!(count.load(Ordering::Acquire), 0);
        sleep(2 * LINGER);
        let left = waker.work();
        drop(waker);
        drop(left);
        // The thread has let go of the count.
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
