//! What a tasks file says of a detector, matched against the shapes of a model's outputs.

use super::{Detector, Encoding, Family, Map, Place};

/// A detector before its model is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    /// The family.
    pub family: Family,
    /// The number of classes.
    pub classes: usize,
    /// Pixels from cell to cell, in the order of the outputs.
    pub strides: Vec<usize>,
    /// For every stride the anchors' widths and heights in pixels; empty where there are none.
    pub anchors: Vec<Vec<[f64; 2]>>,
    /// Whether scores are probabilities; `None` takes what the family's exporter does for the layout.
    pub probabilities: Option<bool>,
    /// Whether boxes are in pixels; `None` takes what the family's exporter does for the layout.
    pub decoded: Option<bool>,
    /// Logits of a side of a YOLOv8 box.
    pub bins: usize,
}

/// How the outputs are cut.
enum Cut {
    /// One output for each stride: `[anchors * numbers, H, W]`.
    Maps,
    /// One output for each stride: `[anchors, H, W, numbers]`.
    LastMaps,
    /// For each stride one output for boxes, one for objectness if there is any, one for classes.
    Parts,
    /// One output with all cells: `[cells, numbers]`.
    Cells,
    /// One output with all cells: `[numbers, cells]`.
    Numbers,
}

/// How many numbers of a cell are boxes, objectness and classes.
#[derive(Clone, Copy, PartialEq)]
struct Numbers {
    boxes: usize,
    objectness: usize,
    classes: usize,
}

impl Numbers {
    fn all(self) -> usize {
        self.boxes + self.objectness + self.classes
    }

    fn parts(self) -> Vec<usize> {
        [self.boxes, self.objectness, self.classes].into_iter().filter(|&part| part > 0).collect()
    }
}

impl Format {
    /// The detector for inputs of `[height, width]` pixels and outputs of these dimensions, the batch left out.
    ///
    /// # Errors
    /// Says what the outputs should be and what they are.
    pub fn detector(&self, input: [usize; 2], outputs: &[Vec<usize>]) -> Result<Detector, String> {
        let grids: Vec<[usize; 2]> =
            self.strides.iter().map(|&stride| input.map(|side| side.div_ceil(stride))).collect();
        let cells: usize = grids.iter().map(|grid| grid[0] * grid[1] * self.anchors_each()).sum();
        let options: &[bool] = match self.decoded {
            Some(true) => &[true],
            Some(false) => &[false],
            None => &[false, true],
        };
        let fits = options.iter().find_map(|&decoded| {
            let numbers = self.numbers(decoded);
            let cut = self.cut(&grids, cells, (numbers, outputs))?;
            Some((cut, numbers, decoded))
        });
        let Some((cut, numbers, mut decoded)) = fits else {
            return Err(self.expected(&grids, cells, outputs));
        };
        let joined = matches!(cut, Cut::Cells | Cut::Numbers);
        if self.family == Family::Yolov5 && joined && self.decoded.is_none() {
            decoded = true;
        }
        let encoding = match (decoded, self.family) {
            (true, _) => Encoding::Pixels,
            (false, Family::Yolov5) => Encoding::Anchors,
            (false, Family::Yolox) => Encoding::Exponential,
            (false, Family::Yolov8) => Encoding::Distribution { bins: self.bins },
        };
        let exported = joined && (decoded || self.family != Family::Yolov8);
        Ok(Detector {
            family: self.family,
            classes: self.classes,
            encoding,
            probabilities: self.probabilities.unwrap_or(exported),
            moving: false,
            outputs: outputs.to_vec(),
            maps: self.maps(&grids, cells, (&cut, numbers, outputs)),
        })
    }

    fn anchors_each(&self) -> usize {
        self.anchors.first().map_or(1, Vec::len)
    }

    fn numbers(&self, decoded: bool) -> Numbers {
        let sides = if self.family == Family::Yolov8 && !decoded { self.bins } else { 1 };
        let objectness = usize::from(self.family != Family::Yolov8);
        Numbers { boxes: 4 * sides, objectness, classes: self.classes }
    }

    fn cut(
        &self,
        grids: &[[usize; 2]],
        cells: usize,
        (numbers, outputs): (Numbers, &[Vec<usize>]),
    ) -> Option<Cut> {
        let each = self.anchors_each();
        let maps = |list: &[Vec<usize>], shape: &dyn Fn(&[usize; 2]) -> Vec<usize>| {
            list.len() == grids.len() && list.iter().zip(grids).all(|(output, grid)| *output == shape(grid))
        };
        if maps(outputs, &|&[h, w]| vec![each * numbers.all(), h, w]) {
            return Some(Cut::Maps);
        }
        if self.family == Family::Yolov5 && maps(outputs, &|&[h, w]| vec![each, h, w, numbers.all()]) {
            return Some(Cut::LastMaps);
        }
        let parts = numbers.parts();
        let of_parts = |(at, output): (usize, &Vec<usize>)| {
            let [h, w] = grids[at / parts.len()];
            *output == [parts[at % parts.len()], h, w]
        };
        if self.family != Family::Yolov5
            && outputs.len() == grids.len() * parts.len()
            && outputs.iter().enumerate().all(of_parts)
        {
            return Some(Cut::Parts);
        }
        let [output] = outputs else { return None };
        if *output == [numbers.all(), cells] && self.family == Family::Yolov8 {
            return Some(Cut::Numbers);
        }
        if *output == [cells, numbers.all()] {
            return Some(Cut::Cells);
        }
        (*output == [numbers.all(), cells]).then_some(Cut::Numbers)
    }

    fn maps(
        &self,
        grids: &[[usize; 2]],
        cells: usize,
        (cut, numbers, outputs): (&Cut, Numbers, &[Vec<usize>]),
    ) -> Vec<Map> {
        let origins: Vec<usize> = outputs
            .iter()
            .scan(0, |next, output| {
                let origin = *next;
                *next += output.iter().product::<usize>();
                Some(origin)
            })
            .collect();
        let (all, parts) = (numbers.all(), numbers.parts().len());
        let balances: &[f64] =
            if grids.len() == 3 { &[4.0, 1.0, 0.4] } else { &[4.0, 1.0, 0.25, 0.06, 0.02] };
        let mut before = 0;
        let mut maps = Vec::new();
        for (level, &[height, width]) in grids.iter().enumerate() {
            for anchor in 0..self.anchors_each() {
                let pixels = height * width;
                // Where part `part` of a cell's numbers is, the part beginning at number `number`.
                let place = |part: usize, number: usize| {
                    let (output, first, channel, pixel) = match cut {
                        Cut::Maps => (level, (anchor * all + number) * pixels, pixels, 1),
                        Cut::LastMaps => (level, anchor * pixels * all + number, 1, all),
                        Cut::Parts => (level * parts + part, 0, pixels, 1),
                        Cut::Cells => (0, before * all + number, 1, all),
                        Cut::Numbers => (0, number * cells + before, cells, 1),
                    };
                    Place { output, origin: origins[output], first, channel, pixel }
                };
                let scored = numbers.boxes + numbers.objectness;
                let balanced = self.family == Family::Yolov5;
                maps.push(Map {
                    level,
                    stride: self.strides[level] as f64,
                    height,
                    width,
                    anchor: self.anchors.get(level).map_or([0.0; 2], |anchors| anchors[anchor]),
                    balance: if balanced { balances.get(level).copied().unwrap_or(0.02) } else { 1.0 },
                    boxes: place(0, 0),
                    objectness: (numbers.objectness > 0).then(|| place(1, numbers.boxes)),
                    classes: place(1 + numbers.objectness, scored),
                });
                before += pixels;
            }
        }
        maps
    }

    fn expected(&self, grids: &[[usize; 2]], cells: usize, outputs: &[Vec<usize>]) -> String {
        let (numbers, each) = (self.numbers(self.decoded == Some(true)), self.anchors_each());
        let all = numbers.all();
        let maps = |text: &dyn Fn(&[usize; 2]) -> String| -> String {
            let shapes: Vec<String> = grids.iter().map(text).collect();
            shapes.join(", ")
        };
        let mut forms = vec![maps(&|[h, w]| format!("[N, {}, {h}, {w}]", each * all))];
        match self.family {
            Family::Yolov5 => {
                forms.push(maps(&|[h, w]| format!("[N, {each}, {h}, {w}, {all}]")));
                forms.push(format!("[N, {cells}, {all}]"));
            }
            Family::Yolox | Family::Yolov8 => {
                let parts = |[h, w]: &[usize; 2]| {
                    let parts: Vec<String> =
                        numbers.parts().iter().map(|part| format!("[N, {part}, {h}, {w}]")).collect();
                    parts.join(", ")
                };
                forms.push(maps(&parts));
                if self.family == Family::Yolox {
                    forms.push(format!("[N, {cells}, {all}]"));
                } else {
                    forms.push(format!("[N, {}, {cells}]", 4 + self.classes));
                    forms.push(format!("[N, {all}, {cells}]"));
                }
            }
        }
        let found: Vec<String> = outputs
            .iter()
            .map(|output| {
                format!("[N, {}]", output.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
            })
            .collect();
        format!(
            "expected outputs of {} classes at strides {:?}: {}; found {}",
            self.classes,
            self.strides,
            forms.join("; or "),
            found.join(", ")
        )
    }
}

#[cfg(test)]
#[path = "layout_tests.rs"]
mod tests;
