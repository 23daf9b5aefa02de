//! Searches that count in milliseconds.

use super::Setting;
use crate::search::{LatencyTable, NodeMs, Options, Order, Outcome, Point, Times, UnitTimes, visiting_order};
use crate::units::Units;

/// Times in which unit `u` alone takes `ms[u]` milliseconds, in proportion to its channels.
fn times(units: &Units, ms: [f64; 4]) -> Times {
    let unit = |(u, unit): (usize, &crate::units::Unit)| UnitTimes {
        unit: unit.id.clone(),
        single: true,
        nodes: vec![u],
        points: vec![
            Point { keep: unit.channels, ms: vec![ms[u]] },
            Point { keep: 1, ms: vec![ms[u] / unit.channels as f64] },
        ],
    };
    let table = LatencyTable {
        version: 1,
        key: String::new(),
        run_ms: ms.iter().sum(),
        nodes: ms.iter().map(|&ms| NodeMs { node: ms.to_string(), ms }).collect(),
        units: units.units.iter().enumerate().map(unit).collect(),
    };
    assert!(table.is_of(units));
    Times::new(table)
}

#[test]
fn the_order_and_the_target_are_of_milliseconds_where_they_are_asked_for() {
    let setting = Setting::new();
    let order = |options: &Options| visiting_order(&setting.graph, &setting.shapes, &setting.units, options);
    let slow =
        |ms| Options { order: Order::Latency, times: Some(times(&setting.units, ms)), ..Options::default() };
    assert_eq!(order(&slow([1.0, 2.0, 8.0, 4.0])), [2, 3, 1, 0]);
    assert_eq!(order(&slow([8.0, 4.0, 1.0, 2.0])), [0, 1, 3, 2]);
    let flops = Options { order: Order::Flops, ..slow([1.0, 2.0, 8.0, 4.0]) };
    assert_eq!(order(&flops), order(&Options::default()));
    let all = setting.search(&slow([1.0, 2.0, 8.0, 4.0]));
    let target = Options { target_ms: Some(14.9), ..slow([1.0, 2.0, 8.0, 4.0]) };
    let stopped = setting.search(&target);
    let predicted = |outcome: &Outcome| {
        target.times.as_ref().and_then(Times::table).unwrap().predict(&outcome.keeps.counts())
    };
    assert!(stopped.visits.len() < all.visits.len() && predicted(&stopped) <= 14.9);
    assert!(predicted(&all) < predicted(&stopped), "the control goes on");
    // Options read back from a journal are those of the same times, and of no others.
    let read: Options = serde_json::from_str(&serde_json::to_string(&target).unwrap()).unwrap();
    assert_eq!(read, target);
    assert_ne!(read, Options { target_ms: Some(14.9), ..slow([1.0, 2.0, 8.0, 4.5]) });
}
