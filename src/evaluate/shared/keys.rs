//! What a value is computed from, as a number: equal keys, equal numbers.

use super::cut::Whole;
use crate::graph::ValueId;
use crate::tensor::{Data, Tensor};

/// A hash of everything that a value follows from.
pub(in crate::evaluate) type Key = u128;

/// A 128-bit hash (FNV-1a over words): keys of a search are few enough never to meet.
struct Words(u128);

impl Words {
    fn new() -> Self {
        Self(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d)
    }

    fn feed(&mut self, word: u128) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }

    fn text(&mut self, text: &str) {
        text.bytes().for_each(|byte| self.feed(byte.into()));
        self.feed(u128::MAX);
    }
}

fn constant(tensor: &Tensor) -> Key {
    let mut words = Words::new();
    words.text(&format!("{:?}", tensor.shape()));
    match tensor.data() {
        Data::F32(values) => values.iter().for_each(|value| words.feed(value.to_bits().into())),
        Data::I64(values) => values.iter().for_each(|value| words.feed(value.cast_unsigned().into())),
    }
    words.0
}

/// The key of every value, by id. Values of a batch have the numbers that they have picture by picture, so its size is
/// not in it; the order in which sums run over channels is.
pub(in crate::evaluate) fn keys(whole: &Whole<'_>) -> Vec<Key> {
    let Whole { graph, shapes, units, .. } = whole;
    let mut keys: Vec<Key> = vec![0; graph.values.len()];
    for (key, value) in keys.iter_mut().zip(&graph.values) {
        *key = match &value.constant {
            Some(tensor) => constant(tensor),
            None => {
                let mut words = Words::new();
                words.text(&value.name);
                words.0
            }
        };
    }
    let layout = |words: &mut Words, value: &ValueId| {
        words.text(&format!("{:?}", shapes[value.0].get(1..)));
        words.text(&format!("{} {:?}", units.axis(*value), units.segments.get(value.0)));
    };
    for node in &graph.nodes {
        let mut words = Words::new();
        words.text(&format!("{:?}", node.op));
        for input in &node.inputs {
            words.feed(keys[input.0]);
            layout(&mut words, input);
        }
        for (number, output) in node.outputs.iter().enumerate() {
            layout(&mut words, output);
            words.feed(number as u128);
            keys[output.0] = words.0;
        }
    }
    keys
}
