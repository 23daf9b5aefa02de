//! Values of every picture that are kept in host memory from visit to visit, up to a bound. What was committed
//! upstream changes a value's key, so that nothing outdated is ever found.

use super::keys::Key;
use std::collections::HashMap;

/// Host memory for values of all pictures of one set; pictures that find no room are run again when they are needed.
pub(in crate::evaluate) const BOUND: usize = 1 << 30;

/// Values by key and picture.
#[derive(Debug)]
pub(in crate::evaluate) struct Cache {
    entries: HashMap<Key, Entry>,
    bytes: usize,
    bound: usize,
    turn: u64,
}

#[derive(Debug)]
struct Entry {
    pictures: Vec<Option<Vec<f32>>>,
    /// The turn that asked for it last.
    used: u64,
}

impl Cache {
    /// An empty cache that takes at most `bound` bytes.
    pub(in crate::evaluate) fn new(bound: usize) -> Self {
        Self { entries: HashMap::new(), bytes: 0, bound, turn: 0 }
    }

    /// Another network: what it does not ask for may go when room is needed.
    pub(in crate::evaluate) fn next_turn(&mut self) {
        self.turn += 1;
    }

    /// Whether a value of all of `pictures` pictures is there; it then stays for this turn.
    pub(in crate::evaluate) fn has_all(&mut self, key: Key, pictures: usize) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        entry.used = self.turn;
        entry.pictures.len() == pictures && entry.pictures.iter().all(Option::is_some)
    }

    /// A value of one picture.
    pub(in crate::evaluate) fn get(&self, key: Key, picture: usize) -> Option<&[f32]> {
        self.entries.get(&key)?.pictures.get(picture)?.as_deref()
    }

    /// Keeps a value of one of `pictures` pictures, where there is room or what no one asked for this turn makes some.
    pub(in crate::evaluate) fn put(&mut self, key: Key, (picture, pictures): (usize, usize), value: &[f32]) {
        if self.get(key, picture).is_some() {
            return;
        }
        let bytes = size_of_val(value);
        while self.bytes + bytes > self.bound {
            let idle = self.entries.iter().filter(|(_, entry)| entry.used < self.turn);
            let Some(oldest) = idle.min_by_key(|(key, entry)| (entry.used, **key)).map(|(key, _)| *key)
            else {
                return;
            };
            let gone = self.entries.remove(&oldest).map_or(0, |entry| entry.bytes());
            self.bytes -= gone;
        }
        let turn = self.turn;
        let fresh = || Entry { pictures: vec![None; pictures], used: turn };
        let entry = self.entries.entry(key).or_insert_with(fresh);
        entry.used = turn;
        entry.pictures[picture] = Some(value.to_vec());
        self.bytes += bytes;
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        self.pictures.iter().flatten().map(|value| size_of_val(value.as_slice())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn what_nobody_asks_for_makes_room_and_the_bound_holds() {
        let mut cache = Cache::new(4 * 10);
        for picture in 0..2 {
            cache.put(1, (picture, 2), &[picture as f32; 3]);
        }
        assert!(cache.has_all(1, 2) && !cache.has_all(1, 3) && !cache.has_all(2, 2));
        cache.put(2, (0, 2), &[7.0; 6]);
        assert_eq!(cache.get(2, 0), None, "everything there was asked for this turn");
        cache.next_turn();
        cache.put(2, (0, 2), &[7.0; 6]);
        assert_eq!((cache.get(2, 0), cache.get(1, 0)), (Some(&[7.0; 6][..]), None));
        cache.put(2, (1, 2), &[7.0; 6]);
        assert!(!cache.has_all(2, 2), "12 floats do not fit into 10");
        assert!(cache.bytes <= cache.bound && cache.bytes == 24);
    }
}
