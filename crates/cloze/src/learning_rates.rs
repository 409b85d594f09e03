use cloze_train::ParameterGroup;

/// The learning rates of a model's parts in a line, where they differ.
pub(crate) fn learning_rates(groups: &[ParameterGroup]) -> Option<String> {
    let mut rates: Vec<(&str, f64)> = groups
        .iter()
        .map(|group| (group.name.as_str(), group.learning_rate))
        .collect();
    rates.dedup();
    if rates.iter().all(|(_, rate)| *rate == rates[0].1) {
        return None;
    }
    let named = rates
        .iter()
        .map(|(name, rate)| format!("{name} {rate:.2e}"));
    let named: Vec<String> = named.collect();
    Some(format!("learning rates: {}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_where_they_differ() {
        let group = |name: &str, learning_rate| ParameterGroup {
            name: name.into(),
            learning_rate,
            weight_decay: 0.0,
            tensors: 1,
            parameters: 1,
        };
        assert_eq!(
            learning_rates(&[group("encoder", 1e-5), group("head", 1e-5)]),
            None
        );
        let groups = [
            group("encoder", 2e-5),
            group("encoder", 2e-5),
            group("head", 1e-4),
        ];
        assert_eq!(
            learning_rates(&groups).unwrap(),
            "learning rates: encoder 2.00e-5, head 1.00e-4"
        );
    }
}
