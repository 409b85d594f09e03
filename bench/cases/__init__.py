"""What is measured, a module each.

A case has a `NAME`, the number of turns that each side takes (`ROUNDS`) and `prepare`, which writes
models and inputs and returns the comparisons.
"""

from cases import (
    adamw,
    cold_start,
    continuation_step,
    frozen_encoder,
    generation,
    inference_batch,
    inference_one_text,
    lstm,
    mlm_step,
    names_epoch,
    review_stream,
    reviews_epoch,
    snippets_epoch,
    training_step,
)

CASES = {
    case.NAME: case
    for case in (
        training_step,
        mlm_step,
        continuation_step,
        lstm,
        reviews_epoch,
        names_epoch,
        frozen_encoder,
        snippets_epoch,
        inference_batch,
        inference_one_text,
        generation,
        review_stream,
        adamw,
        cold_start,
    )
}
