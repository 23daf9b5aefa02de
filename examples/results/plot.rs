//! Lines with error bars as SVG.

use std::fmt::Write;

/// A line.
#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub colour: &'static str,
    pub dashed: bool,
    /// Place, value and deviation.
    pub points: Vec<(f64, f64, f64)>,
}

/// A plot.
#[derive(Clone, Debug)]
pub struct Plot {
    pub title: String,
    pub x: String,
    pub y: String,
    pub series: Vec<Series>,
    /// Values that the axis must hold.
    pub holds: Vec<f64>,
    /// The axis ends there, and so do lines beyond it.
    pub cap: f64,
    /// A horizontal line.
    pub reference: Option<f64>,
    /// The size of the plane, without names.
    pub size: [f64; 2],
    pub legend: bool,
}

const LEFT: f64 = 56.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 44.0;
const LEGEND: f64 = 230.0;
const MARGIN: f64 = 16.0;

/// The step of about `count` round numbers over a range.
pub fn step(low: f64, high: f64, count: f64) -> f64 {
    let rough = ((high - low) / count).max(f64::MIN_POSITIVE);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough).unwrap_or(rough)
}

/// The multiples of `step` from the last one below `low` to the first one above `high`.
pub fn ticks(low: f64, high: f64, step: f64) -> Vec<f64> {
    let first = (low / step + 1e-9).floor() as i64;
    let last = (high / step - 1e-9).ceil() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('`', "")
}

struct Axes {
    x: [f64; 2],
    y: [f64; 2],
    size: [f64; 2],
}

impl Axes {
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |v: f64, [low, high]: [f64; 2]| (v - low) / (high - low).max(f64::MIN_POSITIVE);
        (LEFT + self.size[0] * share(x, self.x), TOP + self.size[1] * (1.0 - share(y, self.y)))
    }
}

impl Plot {
    /// The picture.
    pub fn svg(&self) -> String {
        let [width, height] = self.size;
        let all = self.series.iter().flat_map(|series| &series.points);
        let values = all.clone().flat_map(|&(_, y, d)| [y - d, y + d]).chain(self.holds.iter().copied());
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], v| [low.min(v), high.max(v)])
        };
        let [low, high] = range(&mut values.map(|v| v.min(self.cap)));
        let [left, right] = range(&mut all.map(|&(x, ..)| x));
        if !(low.is_finite() && left.is_finite()) {
            return String::new();
        }
        let xs = ticks(left, right, step(left, right, width / 70.0));
        let ys = ticks(low, high, step(low, high, height / 50.0));
        let ends = |ticks: &[f64]| [ticks[0], ticks[ticks.len() - 1].max(ticks[0] + 1e-9)];
        let axes = Axes { x: ends(&xs), y: ends(&ys), size: self.size };
        let whole = LEFT + width + MARGIN + if self.legend { LEGEND } else { 0.0 };
        let tall = TOP + height + BOTTOM;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"{tall}\" \
             viewBox=\"0 0 {whole} {tall}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{whole}\" height=\"{tall}\" fill=\"#ffffff\"/>\n\
             <clipPath id=\"plane\"><rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{width}\" height=\"{height}\"/></clipPath>\n\
             <text x=\"{LEFT}\" y=\"18\" font-weight=\"bold\" font-size=\"14\">{}</text>\n",
            escaped(&self.title)
        );
        svg += &self.grid(&axes, (&xs, &ys));
        svg += "<g clip-path=\"url(#plane)\">\n";
        for series in &self.series {
            svg += &line(series, &axes);
        }
        svg += "</g>\n";
        if self.legend {
            svg += &self.names();
        }
        svg + "</svg>\n"
    }

    fn grid(&self, axes: &Axes, (xs, ys): (&[f64], &[f64])) -> String {
        let [width, height] = self.size;
        let (right, bottom) = (LEFT + width, TOP + height);
        let mut svg = String::new();
        let mut add = |text: String| svg += &(text + "\n");
        let number = |v: f64, ticks: &[f64]| {
            let step = if ticks.len() > 1 { ticks[1] - ticks[0] } else { 1.0 };
            let digits = (-step.log10().floor()).max(0.0) as usize;
            format!("{v:.digits$}")
        };
        for &y in ys {
            let at = axes.place(axes.x[0], y).1;
            add(format!("<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#e0e0e0\"/>"));
            let label = number(y, ys);
            add(format!(
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 6.0,
                at + 4.0
            ));
        }
        for &x in xs {
            let at = axes.place(x, axes.y[0]).0;
            add(format!("<path d=\"M{at:.1} {bottom}v4\" stroke=\"#404040\"/>"));
            let label = number(x, xs);
            add(format!("<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>", bottom + 17.0));
        }
        if let Some(reference) = self.reference {
            let at = axes.place(axes.x[0], reference).1;
            add(format!("<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#404040\" stroke-dasharray=\"2 3\"/>"));
        }
        add(format!("<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" stroke=\"#404040\" fill=\"none\"/>"));
        let (middle, under) = (LEFT + width / 2.0, bottom + 36.0);
        add(format!("<text x=\"{middle}\" y=\"{under}\" text-anchor=\"middle\">{}</text>", escaped(&self.x)));
        let centre = TOP + height / 2.0;
        add(format!(
            "<text transform=\"translate(13 {centre}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escaped(&self.y)
        ));
        svg
    }

    fn names(&self) -> String {
        let mut svg = String::new();
        for (at, series) in self.series.iter().enumerate() {
            let (x, y) = (LEFT + self.size[0] + MARGIN, TOP + 12.0 + 20.0 * at as f64);
            let dash = dash(series);
            let _ = writeln!(
                svg,
                "<path d=\"M{x} {}h26\" stroke=\"{}\" stroke-width=\"2\"{dash}/><text x=\"{}\" y=\"{y}\">{}</text>",
                y - 4.0,
                series.colour,
                x + 32.0,
                escaped(&series.name)
            );
        }
        svg
    }
}

fn dash(series: &Series) -> &'static str {
    if series.dashed { " stroke-dasharray=\"6 4\"" } else { "" }
}

fn line(series: &Series, axes: &Axes) -> String {
    let places: Vec<(f64, f64)> = series.points.iter().map(|&(x, y, _)| axes.place(x, y)).collect();
    let points: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let colour = series.colour;
    let mut svg = format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{}/>\n",
        points.join(" "),
        dash(series)
    );
    for (&(x, y), &(place, value, deviation)) in places.iter().zip(&series.points) {
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
        if deviation > 0.0 {
            let [low, high] = [value - deviation, value + deviation].map(|v| axes.place(place, v).1);
            let _ = writeln!(svg, "<path d=\"M{x:.1} {low:.1}V{high:.1}\" stroke=\"{colour}\"/>");
        }
    }
    svg
}
