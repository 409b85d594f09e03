"""Golden file of the metrics of regression.

    python tools/reference/correlation_golden.py

writes crates/cloze-tasks/tests/golden/correlations.json: a list of cases with `predictions` and
`targets`, and what SciPy and scikit-learn give for them: `pearson`, `spearman` (null where one of
the two is constant) and `mean_squared_error`.
"""

import json
import math
import warnings
from pathlib import Path

import numpy
from scipy.stats import ConstantInputWarning, pearsonr, spearmanr
from sklearn.metrics import mean_squared_error

FILE = Path(__file__).resolve().parents[2] / "crates/cloze-tasks/tests/golden/correlations.json"


def case(name: str, predictions: numpy.ndarray, targets: numpy.ndarray) -> dict:
    """One case; predictions are single precision, as a model gives them."""
    predictions = predictions.astype(numpy.float32).astype(numpy.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        pearson = float(pearsonr(predictions, targets).statistic)
        spearman = float(spearmanr(predictions, targets).statistic)
    return {
        "name": name,
        "predictions": predictions.tolist(),
        "targets": targets.tolist(),
        "pearson": None if math.isnan(pearson) else pearson,
        "spearman": None if math.isnan(spearman) else spearman,
        "mean_squared_error": float(mean_squared_error(targets, predictions)),
    }


def drawn(rows: int, noise: float, seed: int, digits: int = 6) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Predictions that follow their targets, from 0 to 5, but for noise. Few digits make ties."""
    generator = numpy.random.default_rng(seed)
    targets = generator.uniform(0, 5, size=rows)
    predictions = targets + noise * generator.standard_normal(rows)
    return predictions.round(digits), targets.round(digits)


def main() -> None:
    curve = numpy.arange(12.0)
    cases = [
        case("close", *drawn(50, 0.3, 1)),
        case("far", *drawn(80, 4.0, 2)),
        case("ties", *drawn(60, 1.5, 3, digits=0)),
        case("falling", -drawn(30, 0.5, 4)[0], drawn(30, 0.5, 4)[1]),
        case("a curve", numpy.exp(curve / 3), curve),
        case("two rows", numpy.array([1.0, 3.0]), numpy.array([0.5, 0.25])),
        case("small differences of large numbers", 1e4 + drawn(40, 1.0, 5)[0], 1e4 + drawn(40, 1.0, 5)[1]),
        case("constant predictions", numpy.full(5, 0.1), curve[:5]),
        case("constant targets", curve[:5], numpy.full(5, 0.1)),
    ]
    # Ranks in the place of numbers, and the other way round, must show.
    assert all(abs(one["pearson"] - one["spearman"]) > 1e-3 for one in cases[:5]), cases
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in cases) + "\n]\n")
    print(f"{FILE.name}: {len(cases)} cases")


if __name__ == "__main__":
    main()
