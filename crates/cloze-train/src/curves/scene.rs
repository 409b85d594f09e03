//! What a picture is made of, whatever it is written as.

/// Red, green and blue.
pub(super) type Color = [u8; 3];

/// A place in units of a hundredth of an inch or so, from the upper left corner.
pub(super) type Point = (f64, f64);

/// Where a text is tied to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A part of a picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Lines {
        points: Vec<Point>,
        color: Color,
        width: f64,
    },
    Dot {
        center: Point,
        radius: f64,
        color: Color,
    },
    /// A line of ASCII text; `place` is on its baseline.
    Text {
        place: Point,
        text: String,
        size: f64,
        anchor: Anchor,
        color: Color,
    },
}

/// A picture on white ground.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scene {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) shapes: Vec<Shape>,
}
