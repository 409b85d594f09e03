use thiserror::Error;

/// Why a loss cannot be computed.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum LossError {
    /// There is nothing to take the mean of.
    #[error("a loss needs at least one row of logits")]
    Empty,
    /// There are more or fewer targets than rows of logits.
    #[error("{rows} rows of logits need as many targets, found {targets}")]
    Targets {
        /// Rows of logits.
        rows: usize,
        /// Number of targets.
        targets: usize,
    },
    /// A target is no class.
    #[error("target {target} is not one of {classes} classes")]
    Class {
        /// The target.
        target: usize,
        /// Number of classes.
        classes: usize,
    },
    /// There are more or fewer class weights than classes.
    #[error("{classes} classes need as many class weights, found {weights}")]
    Weights {
        /// Number of classes.
        classes: usize,
        /// Number of weights.
        weights: usize,
    },
    /// A class weight is negative or not finite, or all targets of a batch weigh 0.
    #[error("class weights must be numbers from 0 up, and not all 0, found {0:?}")]
    Weight(Vec<f32>),
    /// The smoothing is no share.
    #[error("label smoothing must lie between 0 and 1, found {0}")]
    Smoothing(f64),
    /// A table of targets has not the size of the logits.
    #[error("{rows} rows of {columns} logits need as many targets, found {targets}")]
    TargetTable {
        /// Rows of logits.
        rows: usize,
        /// Logits of a row.
        columns: usize,
        /// Number of targets.
        targets: usize,
    },
    /// A target of a binary cross-entropy is no probability.
    #[error("a target must lie between 0 and 1, found {0}")]
    Target(f32),
    /// There are more or fewer positive weights than labels.
    #[error("{labels} labels need as many positive weights, found {weights}")]
    PositiveWeights {
        /// Number of labels.
        labels: usize,
        /// Number of weights.
        weights: usize,
    },
    /// A positive weight is negative or not finite.
    #[error("positive weights must be numbers from 0 up, found {0:?}")]
    PositiveWeight(Vec<f32>),
}
