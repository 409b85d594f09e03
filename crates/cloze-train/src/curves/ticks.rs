//! Round numbers along an axis.

/// The numbers 1, 2 or 5 times a power of ten apart that lie from `low` to `high`, about `count` of
/// them, with their texts.
pub(super) fn ticks(low: f64, high: f64, count: usize) -> Vec<(f64, String)> {
    let raw = (high - low) / count as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let factor = match raw / power {
        ..1.5 => 1.0,
        ..3.5 => 2.0,
        ..7.5 => 5.0,
        _ => 10.0,
    };
    let distance = factor * power;
    let first = (low / distance - 1e-9).ceil() as i64;
    let last = (high / distance + 1e-9).floor() as i64;
    (first..=last)
        .map(|number| {
            let value = number as f64 * distance;
            (value, text(value, distance, high))
        })
        .collect()
}

/// A number with as many digits as tell it from its neighbours.
fn text(value: f64, distance: f64, high: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if high.abs() < 1e-2 || high.abs() >= 1e6 {
        // One digit more where ticks share their first one.
        let digits = value.abs().log10().floor() - distance.log10().floor();
        return format!("{value:.*e}", digits.max(0.0) as usize);
    }
    let decimals = (-distance.log10().floor()).max(0.0) as usize;
    format!("{value:.decimals$}")
}

/// A number with three digits or so, for a legend.
pub(super) fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        ..1e-2 | 1e6.. => format!("{value:.2e}"),
        ..10.0 => format!("{value:.4}"),
        ..1000.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(low: f64, high: f64) -> Vec<String> {
        ticks(low, high, 5)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(texts(0.0, 1.0), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(3.0, 237.0), ["50", "100", "150", "200"]);
        assert_eq!(
            texts(0.0, 2e-5),
            ["0", "5e-6", "1.0e-5", "1.5e-5", "2.0e-5"]
        );
        assert_eq!(
            texts(-0.31, 0.29),
            ["-0.3", "-0.2", "-0.1", "0", "0.1", "0.2"]
        );
        assert_eq!(texts(0.0, 4e6), ["0", "1e6", "2e6", "3e6", "4e6"]);
    }

    #[test]
    fn legends_are_short() {
        let all = [0.0, 2e-5, 0.91234, 75.33333, 1500.4].map(short);
        assert_eq!(all, ["0", "2.00e-5", "0.9123", "75.33", "1500"]);
    }
}
