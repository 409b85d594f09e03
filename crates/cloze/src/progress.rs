//! Progress of a training run on standard error.
