"""How a measurement is run: programs, threads, sizes, and a folder for models and batches."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measurement import run

HERE = Path(__file__).parent
ASSETS = HERE.parent / "assets"
SNIPPETS = ASSETS / "data/snippets-en.csv"
REVIEWS = ASSETS / "data/reviews-zh.csv"
QUICK_LAYERS = 2


@dataclass
class Settings:
    """What a case needs to know."""

    programs: Path
    """Folder of the release build: `cloze`, `train_step`, `forward_pass`, …"""
    threads: int
    quick: bool
    """Small sizes: whether everything runs and agrees, not how fast it is."""
    texts: int
    """Of the stream of reviews."""
    sample: int
    """Reviews that are trained on."""
    folder: Path
    """For models, batches and runs."""
    report: Callable[[dict], None]
    """Prints a line of JSON."""

    @property
    def environment(self) -> dict[str, str]:
        """Of all programs: the same number of threads for every library, and no network."""
        threads = str(self.threads)
        return {
            "PYTHONPATH": str(HERE),
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "RAYON_NUM_THREADS": threads,
            "TOKENIZERS_PARALLELISM": "true",
            "HF_HUB_OFFLINE": "1",
        }

    def cloze(self, program: str, *arguments: object) -> list[str]:
        """The command that starts one of our programs."""
        return [str(self.programs / program), *map(str, arguments), "--threads", str(self.threads)]

    def peer(self, module: str, *arguments: object) -> list[str]:
        """The command that starts a program of `bench/peers`."""
        return [sys.executable, "-m", f"peers.{module}", *map(str, arguments), "--threads", str(self.threads)]

    def model(self, kind: str, *, dropout: float = 0.1, onnx: bool = False) -> Path:
        """A model for both sides, written unless it is there already; `peers/write_model.py` has the kinds."""
        name = f"{kind}-dropout-{dropout}{'-onnx' if onnx else ''}"
        out = self.folder / name
        if not out.exists():
            partly = self.folder / f"{name}.part"
            command = [sys.executable, "-m", "peers.write_model", kind, str(partly), "--dropout", str(dropout)]
            if self.quick and kind != "minilm":
                command += ["--layers", str(QUICK_LAYERS)]
            run(command + (["--onnx"] if onnx else []), self.environment)
            partly.rename(out)
        return out
