//! `curves.svg` and `curves.png`: loss, learning rate and validation metrics over the steps of a
//! run, drawn from the lines of its log.

mod chart;
mod png;
mod scene;
mod series;
mod stroke_font;
mod svg;
mod ticks;

use std::io::{self, Write};
use std::path::Path;

use cloze_core::output::write_file;
use cloze_tasks::metrics::Metrics;

use crate::log::LogLine;
use chart::{Panel, draw};
use series::Series;

/// What the pictures show, as far as the run has come.
#[derive(Debug, Default)]
pub(crate) struct Curves {
    loss: Series,
    learning_rate: Series,
    /// Of the validation rows, by metric, in the order in which the task names them.
    validation: Vec<(String, Vec<(f64, f64)>)>,
}

impl Curves {
    /// Takes in a line of the log.
    pub(crate) fn add(&mut self, line: &LogLine) {
        match line {
            LogLine::Step {
                step,
                loss,
                learning_rate,
                ..
            } => {
                self.loss.add(*step as f64, *loss);
                self.learning_rate.add(*step as f64, *learning_rate);
            }
            LogLine::Start { validation } => self.add_validation(0, validation),
            LogLine::Epoch(record) => self.add_validation(record.step, &record.validation),
            _ => (),
        }
    }

    fn add_validation(&mut self, step: u64, metrics: &Metrics) {
        for (name, value) in metrics.iter() {
            let point = (step as f64, value);
            match self.validation.iter_mut().find(|(other, _)| other == name) {
                Some((_, points)) => points.push(point),
                None => self.validation.push((name.to_owned(), vec![point])),
            }
        }
    }

    /// Losses together, what lies between -1 and 1 together, and everything else by itself.
    fn panels(&self) -> Vec<Panel> {
        let mut loss = Panel::new("loss");
        loss.add_faint("train", self.loss.points());
        let mut shares = Panel::new("validation");
        let mut others = Vec::new();
        for (name, points) in &self.validation {
            if name.ends_with("loss") {
                loss.add_marked(&format!("validation {name}"), points.clone());
            } else if is_share(name, points) {
                shares.add_marked(name, points.clone());
            } else {
                let mut other = Panel::new(name);
                other.add_marked(name, points.clone());
                others.push(other);
            }
        }
        let mut rate = Panel::new("learning rate");
        rate.add_line("learning rate", self.learning_rate.points());
        let mut panels = vec![loss, rate];
        panels.extend((!shares.is_empty()).then_some(shares));
        panels.extend(others);
        panels
    }

    /// Writes both pictures beside their places and renames them.
    pub(crate) fn write(&self, svg: &Path, png: &Path) -> io::Result<()> {
        let scene = draw(&self.panels());
        write_file(svg, |out: &mut dyn Write| {
            out.write_all(svg::render(&scene).as_bytes())
        })?;
        let bytes = png::render(&scene)?;
        write_file(png, |out: &mut dyn Write| out.write_all(&bytes))
    }
}

/// Whether a metric is a share or a correlation, by its name and its values.
fn is_share(name: &str, points: &[(f64, f64)]) -> bool {
    let other = name.contains("error") || name.contains("perplexity");
    !other
        && points
            .iter()
            .all(|(_, value)| value.is_nan() || value.abs() <= 1.0)
}

#[cfg(test)]
mod tests;
