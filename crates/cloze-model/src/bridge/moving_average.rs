use burn::backend::Flex;
use burn::tensor::Tensor;
use cloze_kernels::moving_average;

use super::slices::{into_slices, is_cpu};

/// One step of an exponential moving average: `average` moved towards `values` by `share` of the
/// way, which is `1 - decay`.
///
/// Both are tensors without autodiff. On the CPU the step happens in place if nothing else holds
/// the average.
///
/// Shapes: both the same, any.
pub fn move_towards<const D: usize>(
    average: Tensor<D>,
    values: Tensor<D>,
    share: f64,
) -> Tensor<D> {
    if !(is_cpu(&average) && is_cpu(&values)) {
        return average.clone() + (values - average) * share;
    }
    let (mut average, values) = (into_slices(average), into_slices(values));
    moving_average::move_towards(average.storage_mut(), values.storage(), share);
    Tensor::from_primitive::<Flex>(average)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn an_average_moves_in_place_and_leaves_the_values_alone() {
        let tensor = |values: [f32; 2]| Tensor::<1>::from_floats(values, &Device::flex());
        let (average, values) = (tensor([1.0, -2.0]), tensor([3.0, 0.5]));
        let address = |tensor: &Tensor<1>| {
            let primitive = tensor.clone().try_into_primitive::<Flex>().unwrap();
            primitive.storage::<f32>().as_ptr()
        };
        let before = address(&average);
        let moved = move_towards(average, values.clone(), 0.25);
        assert_eq!(address(&moved), before);
        let numbers = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(numbers(moved), [1.5, -1.375]);
        assert_eq!(numbers(values), [3.0, 0.5]);
    }
}
