use burn::tensor::Tensor;

use super::LossError;
use crate::parameter_source::f32_data;

/// The mean squared error of a batch: predictions `[batch, 1]` and a number a row → `[1]`, as
/// `torch.nn.MSELoss`.
///
/// # Errors
/// If there are more or fewer targets than rows, or none, or a row has several predictions.
pub fn mean_squared_error(predictions: Tensor<2>, targets: &[f32]) -> Result<Tensor<1>, LossError> {
    let [rows, columns] = predictions.dims();
    if rows == 0 {
        return Err(LossError::Empty);
    }
    if columns != 1 || targets.len() != rows {
        return Err(LossError::TargetTable {
            rows,
            columns,
            targets: targets.len(),
        });
    }
    let targets = f32_data(targets.to_vec(), &[rows, 1]);
    let targets = Tensor::from_data(targets, &predictions.device());
    let difference = predictions - targets;
    Ok((difference.clone() * difference).mean())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn loss_and_gradient_are_those_of_the_formula() {
        let device = Device::flex().autodiff();
        let predictions = Tensor::<2>::from_floats([[1.0], [-2.0], [0.5], [4.0]], &device);
        let predictions = predictions.require_grad();
        let loss = mean_squared_error(predictions.clone(), &[0.0, -2.0, 1.5, 1.0]).unwrap();
        let gradients = loss.backward();
        assert_eq!(loss.into_scalar::<f32>(), (1.0 + 0.0 + 1.0 + 9.0) / 4.0);
        let gradient = predictions.grad(&gradients).unwrap().into_data();
        let gradient: Vec<f32> = gradient.iter::<f32>().collect();
        assert_eq!(gradient, [0.5, 0.0, -0.5, 1.5]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let two = || Tensor::<2>::from_floats([[1.0], [2.0]], &Device::flex());
        assert_eq!(
            mean_squared_error(two(), &[1.0]).unwrap_err().to_string(),
            "2 rows of 1 logits need as many targets, found 1"
        );
        let wide = Tensor::<2>::from_floats([[1.0, 2.0]], &Device::flex());
        assert!(mean_squared_error(wide, &[1.0]).is_err());
    }
}
