//! Batches that are made while the device computes.

use crate::gpu::give_way;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// Things that wait.
const AHEAD: usize = 3;

/// How long one is waited for before the thread that wants it makes it itself.
const PATIENCE: Duration = Duration::from_millis(100);

/// Things numbered `0..count` in order, most of them made by another thread before they are wanted.
pub(super) struct Ahead<'a, T> {
    make: &'a (dyn Fn(usize) -> T + Sync),
    made: Receiver<(usize, T)>,
    /// The next one that is wanted.
    next: &'a AtomicUsize,
    /// Whether the last one came too late.
    late: bool,
}

/// Gives `body` the things that `make` makes of the numbers below `count`. The thread that makes them ahead gives way to
/// all others where `yielding`: on a device that is the CPU, half a dispatch would wait for it. Where others leave it nothing,
/// the thread that wants a thing makes it.
pub(super) fn ahead<T: Send, R>(
    (count, yielding): (usize, bool),
    make: &(dyn Fn(usize) -> T + Sync),
    body: impl FnOnce(&mut Ahead<'_, T>) -> R,
) -> R {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (send, made) = sync_channel(AHEAD);
        let next = &next;
        scope.spawn(move || {
            if yielding {
                give_way();
            }
            let mut at = 0;
            while at < count && send.send((at, make(at))).is_ok() {
                at = next.load(Ordering::Relaxed).max(at + 1);
            }
        });
        body(&mut Ahead { make, made, next, late: false })
    })
}

impl<T> Ahead<'_, T> {
    /// The next one.
    pub(super) fn next(&mut self) -> T {
        let wanted = self.next.fetch_add(1, Ordering::Relaxed);
        let patience = if self.late { Duration::ZERO } else { PATIENCE };
        loop {
            match self.made.recv_timeout(patience) {
                Ok((at, thing)) if at == wanted => {
                    self.late = false;
                    return thing;
                }
                // One that was made here because it came too late.
                Ok(_) => {}
                Err(_) => {
                    self.late = true;
                    return (self.make)(wanted);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AHEAD, PATIENCE, ahead};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{current, sleep};

    #[test]
    fn things_come_in_order_and_from_another_thread() {
        let here = current().id();
        for yielding in [false, true] {
            let make = |at| (at, current().id());
            let found: Vec<_> = ahead((20, yielding), &make, |ahead| (0..20).map(|_| ahead.next()).collect());
            assert!(found.iter().map(|(at, _)| *at).eq(0..20));
            assert!(found.iter().any(|(_, thread)| *thread != here));
        }
    }

    /// The other thread gets stuck with its first thing: all are made here, and what it made too late is dropped.
    #[test]
    fn what_comes_too_late_is_made_by_who_wants_it() {
        let here = current().id();
        let make = |at| {
            if current().id() != here {
                sleep(10 * PATIENCE);
            }
            (at, current().id() == here)
        };
        let found: Vec<_> = ahead((8, false), &make, |ahead| (0..8).map(|_| ahead.next()).collect());
        assert!(found.iter().map(|(at, _)| *at).eq(0..8));
        assert!(found.iter().all(|(_, own)| *own));
    }

    #[test]
    fn no_more_is_made_than_waits_when_nobody_wants_more() {
        let made = AtomicUsize::new(0);
        let make = |_| made.fetch_add(1, Ordering::Relaxed);
        ahead((100, false), &make, |ahead| ahead.next());
        // One more is made before it is found out that nobody takes it.
        assert!(made.load(Ordering::Relaxed) <= AHEAD + 3);
    }
}
