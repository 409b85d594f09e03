//! Panels with axes, lines and a legend.

use super::scene::{Anchor, Color, Point, Scene, Shape};
use super::ticks::{short, ticks};

/// Colors that people who see fewer of them can tell apart (Okabe, Ito: *Color universal design*,
/// 2008).
const COLORS: [Color; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [0, 0, 0],
];
const AXIS: Color = [80, 80, 80];
const GRID: Color = [228, 228, 228];
const TEXT: Color = [40, 40, 40];

const PANEL: (f64, f64) = (640.0, 300.0);
const COLUMNS: usize = 2;
/// From the panel's edges to the plot: left, top, right with the legend, bottom.
const MARGINS: (f64, f64, f64, f64) = (66.0, 40.0, 190.0, 36.0);
const SMALL: f64 = 12.0;
const LARGE: f64 = 15.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Thin and pale: a value that jumps.
    Faint,
    Plain,
    /// With a dot at every point.
    Marked,
}

#[derive(Clone, Debug)]
struct Line {
    name: String,
    points: Vec<Point>,
    style: Style,
}

/// Lines that share their axes.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    title: String,
    lines: Vec<Line>,
}

impl Panel {
    pub(super) fn new(title: &str) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
        }
    }

    /// Adds a line, without the points that are no number; none if no point is left.
    fn add(&mut self, name: &str, mut points: Vec<Point>, style: Style) {
        points.retain(|(_, value)| value.is_finite());
        if !points.is_empty() {
            let name = name.into();
            self.lines.push(Line {
                name,
                points,
                style,
            });
        }
    }

    pub(super) fn add_faint(&mut self, name: &str, points: Vec<Point>) {
        self.add(name, points, Style::Faint);
    }

    pub(super) fn add_line(&mut self, name: &str, points: Vec<Point>) {
        self.add(name, points, Style::Plain);
    }

    pub(super) fn add_marked(&mut self, name: &str, points: Vec<Point>) {
        self.add(name, points, Style::Marked);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// All panels in two columns.
pub(super) fn draw(panels: &[Panel]) -> Scene {
    let rows = panels.len().div_ceil(COLUMNS).max(1);
    let columns = panels.len().clamp(1, COLUMNS);
    let mut shapes = Vec::new();
    for (number, panel) in panels.iter().enumerate() {
        let corner = (
            (number % COLUMNS) as f64 * PANEL.0,
            (number / COLUMNS) as f64 * PANEL.1,
        );
        draw_panel(panel, corner, &mut shapes);
    }
    Scene {
        width: columns as f64 * PANEL.0,
        height: rows as f64 * PANEL.1,
        shapes,
    }
}

/// Numbers along a side of the plot.
#[derive(Clone, Copy)]
struct Axis {
    low: f64,
    high: f64,
    /// Where the two ends lie in the picture.
    from: f64,
    to: f64,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

/// Bounds with room for a line between them, and a little on both sides.
fn widened((low, high): (f64, f64)) -> (f64, f64) {
    if !low.is_finite() {
        return (0.0, 1.0);
    }
    let room = match high - low {
        // A line that is level.
        0.0 => (0.1 * low.abs()).max(1e-12),
        height => 0.04 * height,
    };
    // Nothing below 0 where there is nothing below 0.
    let floor = if low >= 0.0 {
        (low - room).max(0.0)
    } else {
        low - room
    };
    (floor, high + room)
}

fn draw_panel(panel: &Panel, (x, y): Point, shapes: &mut Vec<Shape>) {
    let (left, top, right, bottom) = MARGINS;
    let points = || panel.lines.iter().flat_map(|line| &line.points);
    let (_, last) = bounds(points().map(|point| point.0));
    let (low, high) = widened(bounds(points().map(|point| point.1)));
    let across = Axis {
        low: 0.0,
        high: last.max(1.0),
        from: x + left,
        to: x + PANEL.0 - right,
    };
    let up = Axis {
        low,
        high,
        from: y + PANEL.1 - bottom,
        to: y + top,
    };
    shapes.push(text(
        (across.from, y + top - 14.0),
        &panel.title,
        LARGE,
        Anchor::Start,
    ));
    draw_axes(across, up, shapes);
    for (number, line) in panel.lines.iter().enumerate() {
        let color = COLORS[number % COLORS.len()];
        let place = |point: &Point| (across.place(point.0), up.place(point.1));
        draw_line(line, color, place, shapes);
        let corner = (across.to + 14.0, up.to + 6.0 + 34.0 * number as f64);
        draw_legend(line, color, corner, shapes);
    }
}

fn text(place: Point, text: &str, size: f64, anchor: Anchor) -> Shape {
    Shape::Text {
        place,
        text: text.into(),
        size,
        anchor,
        color: TEXT,
    }
}

fn draw_axes(across: Axis, up: Axis, shapes: &mut Vec<Shape>) {
    let line = |from: Point, to: Point, color| Shape::Lines {
        points: vec![from, to],
        color,
        width: 1.0,
    };
    for (value, label) in ticks(up.low, up.high, 5) {
        let y = up.place(value);
        shapes.push(line((across.from, y), (across.to, y), GRID));
        let place = (across.from - 6.0, y + 4.0);
        shapes.push(text(place, &label, SMALL, Anchor::End));
    }
    for (value, label) in ticks(across.low, across.high, 6) {
        // There is no half of a step.
        if value.fract() != 0.0 {
            continue;
        }
        let x = across.place(value);
        shapes.push(line((x, up.from), (x, up.from + 4.0), AXIS));
        let place = (x, up.from + 18.0);
        shapes.push(text(place, &label, SMALL, Anchor::Middle));
    }
    shapes.push(line((across.from, up.from), (across.to, up.from), AXIS));
    shapes.push(line((across.from, up.from), (across.from, up.to), AXIS));
    let place = (across.to + 14.0, up.from + 18.0);
    shapes.push(text(place, "step", SMALL, Anchor::Start));
}

fn draw_line(line: &Line, color: Color, place: impl Fn(&Point) -> Point, shapes: &mut Vec<Shape>) {
    let points: Vec<Point> = line.points.iter().map(place).collect();
    let (color, width) = match line.style {
        Style::Faint => (color.map(|part| part + (255 - part) / 3), 1.2),
        Style::Plain | Style::Marked => (color, 2.0),
    };
    // A dot for a line of one point, whatever its style.
    if line.style == Style::Marked || points.len() == 1 {
        shapes.extend(points.iter().map(|&center| Shape::Dot {
            center,
            radius: 3.0,
            color,
        }));
    }
    shapes.push(Shape::Lines {
        points,
        color,
        width,
    });
}

/// A line's name, and below it its last value.
fn draw_legend(line: &Line, color: Color, (x, y): Point, shapes: &mut Vec<Shape>) {
    shapes.push(Shape::Lines {
        points: vec![(x, y - 4.0), (x + 14.0, y - 4.0)],
        color,
        width: 3.0,
    });
    shapes.push(text((x + 20.0, y), &line.name, SMALL, Anchor::Start));
    if let Some((_, last)) = line.points.last() {
        let place = (x + 20.0, y + 14.0);
        shapes.push(text(place, &short(*last), SMALL, Anchor::Start));
    }
}
