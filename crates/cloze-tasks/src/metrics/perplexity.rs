/// The exponential of a mean loss in nats; the largest number where it is beyond all numbers, so that it
/// compares and is written like any other.
pub(crate) fn perplexity(loss: f64) -> f64 {
    match loss.exp() {
        perplexity if perplexity.is_infinite() => f64::MAX,
        perplexity => perplexity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_all_numbers_still_is_one() {
        assert_eq!(perplexity(0.0), 1.0);
        assert_eq!(perplexity(2.0), 2.0_f64.exp());
        assert_eq!(perplexity(1e4), f64::MAX);
        assert!(perplexity(f64::NAN).is_nan());
    }
}
