use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Whether no parameter of a part of a model wants a gradient. Such a part is a fixed function,
/// and runs without dropout.
pub(crate) fn is_frozen<M: Module>(part: &M) -> bool {
    struct Trainable(bool);
    impl ModuleVisitor for Trainable {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            self.0 |= parameter.is_require_grad();
        }
    }
    let mut trainable = Trainable(false);
    part.visit(&mut trainable);
    !trainable.0
}
