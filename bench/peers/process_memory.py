"""What this process holds, as `bench/rust/src/memory.rs` says it of the other side."""

from pathlib import Path


def resident() -> int:
    """Resident bytes now."""
    return _status("VmRSS")


def peak() -> int:
    """The most resident bytes so far."""
    return _status("VmHWM")


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.removesuffix("kB")) * 1024
    raise SystemExit(f"/proc/self/status has no {field}")
