//! Reads a disassembly: what the instructions of its hottest loop are.

use std::collections::HashMap;

/// Instructions of a loop, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mix {
    /// All that are issued, waits and branches with them.
    pub all: usize,
    /// Of them: multiply-adds.
    pub fma: usize,
    /// Of them: on the vector unit, multiply-adds with them.
    pub vector: usize,
    /// Of them: reads of scalar memory.
    pub scalar_memory: usize,
    /// Of them: reads and writes of vector memory.
    pub memory: usize,
    /// Of them: reads and writes of workgroup memory.
    pub workgroup: usize,
}

impl Mix {
    /// Multiply-adds per instruction.
    pub fn share(&self) -> f64 {
        self.fma as f64 / self.all.max(1) as f64
    }

    fn of(lines: &[&str]) -> Self {
        let mut mix = Self::default();
        for op in lines.iter().filter_map(|line| line.split_whitespace().next()) {
            let starts = |prefixes: &[&str]| usize::from(prefixes.iter().any(|p| op.starts_with(p)));
            mix.all += 1;
            mix.fma += starts(&["v_fma", "v_mac", "v_mad_f", "v_pk_fma", "v_dot"]);
            mix.vector += starts(&["v_"]);
            mix.scalar_memory += starts(&["s_load", "s_buffer"]);
            mix.memory += starts(&["buffer_", "global_", "flat_", "image_"]);
            mix.workgroup += starts(&["ds_"]);
        }
        mix
    }
}

/// The innermost of the loops that multiply and add, or the one of them that does most.
pub fn hot_loop(assembly: &str) -> Option<Mix> {
    let (mut lines, mut labels) = (Vec::new(), HashMap::new());
    for line in assembly.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_suffix(':') {
            Some(label) => {
                labels.insert(label, lines.len());
            }
            None => lines.push(line),
        }
    }
    let mut loops = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mut words = line.split_whitespace();
        let branch = words.next().is_some_and(|op| op.starts_with("s_branch") || op.starts_with("s_cbranch"));
        let target = words.next().and_then(|target| labels.get(target));
        if let Some(&start) = target.filter(|&&start| branch && start <= at) {
            loops.push((start, at + 1, Mix::of(&lines[start..=at])));
        }
    }
    loops.retain(|(.., mix)| mix.fma > 0);
    let within = |&(a, b, _): &(usize, usize, Mix), &(start, end, _): &(usize, usize, Mix)| {
        (a, b) != (start, end) && a >= start && b <= end
    };
    let innermost = loops.iter().filter(|outer| !loops.iter().any(|inner| within(inner, outer)));
    innermost.map(|&(.., mix)| mix).max_by_key(|mix| mix.fma)
}
