//! A value by step, thinned out so that a long run takes no more memory than a short one.

/// Points that are kept at most.
const MOST: usize = 1024;

/// Means over as many steps as it takes to have few enough points.
#[derive(Debug)]
pub(super) struct Series {
    points: Vec<(f64, f64)>,
    /// Steps of a point.
    stride: usize,
    /// Sums of the steps, and of their values, of the point that is not complete.
    pending: (f64, f64),
    count: usize,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            stride: 1,
            pending: (0.0, 0.0),
            count: 0,
        }
    }
}

impl Series {
    /// Takes in the value of a step.
    pub(super) fn add(&mut self, step: f64, value: f64) {
        self.pending.0 += step;
        self.pending.1 += value;
        self.count += 1;
        if self.count < self.stride {
            return;
        }
        self.points.push(mean(self.pending, self.count));
        (self.pending, self.count) = ((0.0, 0.0), 0);
        if self.points.len() == MOST {
            let pairs = self.points.chunks(2);
            self.points = pairs
                .map(|pair| mean((pair[0].0 + pair[1].0, pair[0].1 + pair[1].1), 2))
                .collect();
            self.stride *= 2;
        }
    }

    /// The points so far, with that of the last few steps.
    pub(super) fn points(&self) -> Vec<(f64, f64)> {
        let mut points = self.points.clone();
        if self.count > 0 {
            points.push(mean(self.pending, self.count));
        }
        points
    }
}

fn mean((step, value): (f64, f64), count: usize) -> (f64, f64) {
    (step / count as f64, value / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_keeps_every_step_and_a_long_one_means() {
        let mut series = Series::default();
        (0..5).for_each(|step| series.add(f64::from(step), 2.0));
        assert_eq!(series.points().len(), 5);
        (5..100_001).for_each(|step| series.add(f64::from(step), 2.0));
        let points = series.points();
        assert!(
            (MOST / 2..=MOST).contains(&points.len()),
            "{}",
            points.len()
        );
        assert!(points.iter().all(|(_, value)| (value - 2.0).abs() < 1e-12));
        assert!(points.is_sorted_by(|a, b| a.0 < b.0));
        assert!(points[points.len() - 1].0 > 99_800.0);
    }
}
