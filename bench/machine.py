"""The machine and the versions that a measurement was made with."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ["torch", "transformers", "tokenizers", "onnxruntime", "onnx", "numpy"]
VECTOR_FLAGS = ["avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile"]


def facts(cloze: Path) -> dict:
    """What a reader needs to make the same measurement."""
    return {
        "processor": processor_name(read("/proc/cpuinfo")),
        "vector_instructions": vector_instructions(read("/proc/cpuinfo")),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory_gib(read("/proc/meminfo")),
        "system": f"{system_name(read('/etc/os-release'))}, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := package_version(name))},
        "rust": first_line(["rustc", "--version"]),
        "cloze": first_line([str(cloze), "--version"]),
        "commit": first_line(["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]),
        "load": load(),
    }


def load() -> float:
    """Processes that ran or waited over the last minute, on average; before a measurement it should
    be near 0."""
    return round(os.getloadavg()[0], 2)


def processor_name(cpuinfo: str) -> str | None:
    """The model name of the first processor."""
    return next((line.split(":", 1)[1].strip() for line in cpuinfo.splitlines() if line.startswith("model name")), None)


def vector_instructions(cpuinfo: str) -> list[str]:
    """Those of `VECTOR_FLAGS` that the processor has."""
    flags = next((line.split() for line in cpuinfo.splitlines() if line.startswith("flags")), [])
    return [flag for flag in VECTOR_FLAGS if flag in flags]


def memory_gib(meminfo: str) -> float | None:
    """All memory of the machine."""
    sizes = (line.split()[1] for line in meminfo.splitlines() if line.startswith("MemTotal:"))
    return next((round(int(size) / 2**20, 1) for size in sizes), None)


def system_name(os_release: str) -> str | None:
    """The distribution with its version."""
    names = (line.split("=", 1)[1].strip('"') for line in os_release.splitlines() if line.startswith("PRETTY_NAME="))
    return next(names, None)


def package_version(name: str) -> str | None:
    """Of an installed Python package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def first_line(command: list[str]) -> str | None:
    """What a program says about itself, if it is there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return next(iter(done.stdout.splitlines()), None)


def read(file: str) -> str:
    """A file's text, or nothing where there is no such file."""
    try:
        return Path(file).read_text()
    except OSError:
        return ""
