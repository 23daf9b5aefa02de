//! Searches that are killed at random moments and go on to the result that they would have had.

use crate::bench::{Bench, finish, has_device, program, strs};
use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const KILLS: usize = 10;
const FILES: [&str; 3] = ["plan.json", "pruned.onnx", "journal.jsonl"];

/// When to kill.
enum Moment {
    /// After so long.
    Time(Duration),
    /// So long after the journal has grown.
    Growth(Duration),
}

struct Killer {
    bench: Bench,
    /// How long an undisturbed run takes.
    whole: Duration,
    state: u64,
}

impl Killer {
    /// Between 0 and 1.
    fn random(&mut self) -> f64 {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as f64 / f64::from(1_u32 << 31)
    }

    fn moment(&mut self, kills: usize) -> Moment {
        let share = self.random();
        match kills % 2 {
            0 => Moment::Time(self.whole.mul_f64(share)),
            _ => Moment::Growth(self.whole.mul_f64(0.1 * share)),
        }
    }

    fn args(&self, out: &str) -> Vec<String> {
        let more = ["--rate", "0.02", "--round-to", "1", "--resume"];
        self.bench.prune(&self.bench.text("small.onnx"), out, &more)
    }

    fn journal(&self, out: &str) -> u64 {
        fs::metadata(self.bench.path(out).join("journal.jsonl")).map_or(0, |data| data.len())
    }

    /// Starts or continues the search in `out` and kills it; `false` where it was done before that.
    fn kill(&self, out: &str, moment: &Moment) -> bool {
        let before = self.journal(out);
        let mut child =
            program(&strs(&self.args(out))).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        match *moment {
            Moment::Time(time) => sleep(time),
            Moment::Growth(time) => {
                while self.journal(out) <= before && running(&mut child) {
                    sleep(Duration::from_millis(1));
                }
                sleep(time);
            }
        }
        let killed = running(&mut child);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert!(killed || status.success(), "{status}");
        killed
    }
}

fn running(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_none()
}

#[test]
fn a_search_killed_at_ten_moments_ends_in_the_same_plan() {
    if !has_device() {
        return;
    }
    let mut killer = Killer { bench: Bench::new(), whole: Duration::ZERO, state: 3 };
    let start = Instant::now();
    let done = finish(program(&strs(&killer.args("whole"))));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    killer.whole = start.elapsed();
    let read = |killer: &Killer, out: &str| FILES.map(|file| killer.bench.read(&format!("{out}/{file}")));
    let expected = read(&killer, "whole");
    let (mut kills, mut during_search, mut searches) = (0, 0, 0);
    while kills < KILLS || searches == 0 {
        let out = format!("cut{searches}");
        loop {
            let moment = killer.moment(kills);
            let ended = kills == KILLS || !killer.kill(&out, &moment);
            if ended {
                break;
            }
            kills += 1;
            let journal = fs::read(killer.bench.path(&out).join("journal.jsonl")).unwrap_or_default();
            assert!(expected[2].starts_with(&journal), "the journal is a part of that of the whole search");
            during_search += usize::from(!journal.is_empty() && journal.len() < expected[2].len());
            if killer.bench.path(&out).join("summary.json").exists() {
                assert!(read(&killer, &out) == expected, "a search that looks finished is");
            }
        }
        let done = finish(program(&strs(&killer.args(&out))));
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(read(&killer, &out) == expected, "search {searches} after {kills} kills");
        searches += 1;
    }
    assert!(during_search >= 3, "{during_search} of {kills} kills hit the search itself");
}
