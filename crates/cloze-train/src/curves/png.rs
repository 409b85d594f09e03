//! A picture as Portable Network Graphics (W3C recommendation, third edition).

use std::io::{self, Write};

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use tiny_skia::{
    Color as Paint8, FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke,
    Transform,
};

use super::scene::{Color, Point, Scene, Shape};
use super::stroke_font;

/// Pixels of a unit.
const SCALE: f32 = 1.5;
/// The width of a letter's lines, as a share of its size.
const PEN: f64 = 0.1;

pub(super) fn render(scene: &Scene) -> io::Result<Vec<u8>> {
    let pixels = |length: f64| (length as f32 * SCALE).ceil() as u32;
    let (width, height) = (pixels(scene.width), pixels(scene.height));
    let mut picture = Pixmap::new(width, height)
        .ok_or_else(|| io::Error::other(format!("a picture of {width} by {height} pixels")))?;
    picture.fill(Paint8::WHITE);
    for shape in &scene.shapes {
        draw(&mut picture, shape);
    }
    // White ground leaves no pixel transparent.
    let rows: Vec<u8> = picture
        .data()
        .chunks_exact(4 * width as usize)
        .flat_map(|row| {
            let colors = row.chunks_exact(4).flat_map(|pixel| &pixel[..3]);
            // Every row begins with the number of its filter: none.
            std::iter::once(0).chain(colors.copied())
        })
        .collect();
    encode(width, height, &rows)
}

fn draw(picture: &mut Pixmap, shape: &Shape) {
    match shape {
        Shape::Lines {
            points,
            color,
            width,
        } => stroke(picture, points, *color, *width),
        Shape::Dot {
            center,
            radius,
            color,
        } => {
            let (x, y) = (center.0 as f32, center.1 as f32);
            let circle = PathBuilder::from_circle(x, y, *radius as f32);
            if let Some(circle) = circle {
                let scale = Transform::from_scale(SCALE, SCALE);
                picture.fill_path(&circle, &paint(*color), FillRule::Winding, scale, None);
            }
        }
        Shape::Text {
            place,
            text,
            size,
            anchor,
            color,
        } => {
            for line in stroke_font::lines(text, *place, *size, *anchor) {
                stroke(picture, &line, *color, PEN * size);
            }
        }
    }
}

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(color[0], color[1], color[2], 255);
    paint
}

fn stroke(picture: &mut Pixmap, points: &[Point], color: Color, width: f64) {
    let stroke = Stroke {
        width: width as f32,
        line_cap: LineCap::Round,
        line_join: LineJoin::Round,
        ..Stroke::default()
    };
    if let Some(path) = path(points) {
        let scale = Transform::from_scale(SCALE, SCALE);
        picture.stroke_path(&path, &paint(color), &stroke, scale, None);
    }
}

/// `None` for less than two points.
fn path(points: &[Point]) -> Option<Path> {
    let ((x, y), rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(*x as f32, *y as f32);
    for (x, y) in rest {
        path.line_to(*x as f32, *y as f32);
    }
    path.finish()
}

/// Rows of red, green and blue bytes, each after the number of its filter.
fn encode(width: u32, height: u32, rows: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    // Eight bits a color; red, green, blue; the usual compression, filters and order.
    header.extend([8, 2, 0, 0, 0]);
    let mut compressed = ZlibEncoder::new(Vec::new(), Compression::default());
    compressed.write_all(rows)?;
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &compressed.finish()?);
    chunk(&mut png, *b"IEND", &[]);
    Ok(png)
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(&kind);
    crc.update(data);
    png.extend((data.len() as u32).to_be_bytes());
    png.extend(kind);
    png.extend(data);
    png.extend(crc.sum().to_be_bytes());
}
