import contextlib
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import npm
import packages
from npm import Pinned, fetch, pinned
from packages import AssetError, download

# The SHA-256 of the three bytes "abc".
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
SOME = Pinned("@scope/some-text", "1.2.0", ABC)


class List(unittest.TestCase):
    def test_reads_name_with_scope_version_and_hash_and_skips_the_rest(self):
        line = f"@scope/some-text@1.2.0 --hash=sha256:{ABC}"
        self.assertEqual(pinned(f"# a comment\n{line}\nplain@1 --hash=sha256:12\n"), {SOME.name: SOME})

    def test_names_the_file_as_npm_does_and_its_address_in_a_registry(self):
        self.assertEqual(SOME.file_name, "scope-some-text-1.2.0.tgz")
        self.assertEqual(SOME.address("https://r.org/"), "https://r.org/@scope/some-text/-/some-text-1.2.0.tgz")


@contextlib.contextmanager
def without_npm(registry: Path):
    """A machine without npm, whose registry is a folder."""
    place = {"npm_config_registry": registry.as_uri()}
    with mock.patch.object(npm.shutil, "which", return_value=None), mock.patch.dict(os.environ, place):
        yield


class Fetch(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name) / "downloads"
        self.registry = Path(temporary.name) / "registry"
        self.file = self.registry / "@scope/some-text/-/some-text-1.2.0.tgz"
        self.file.parent.mkdir(parents=True)
        self.list = Path(temporary.name) / "packages-npm.txt"
        self.list.write_text(f"{SOME.name}@{SOME.version} --hash=sha256:{ABC}\n")

    def test_without_npm_the_file_comes_from_the_registry(self):
        self.folder.mkdir()
        self.file.write_bytes(b"abc")
        with without_npm(self.registry):
            self.assertIsNone(fetch(SOME, self.folder))
        self.assertEqual((self.folder / SOME.file_name).read_bytes(), b"abc")

    def test_what_cannot_be_fetched_is_said(self):
        self.folder.mkdir()
        with without_npm(self.registry):
            self.assertRegex(fetch(SOME, self.folder), r"some-text-1.2.0.tgz: .*No such file")

    def test_a_file_with_another_hash_is_refused(self):
        self.file.write_bytes(b"abd")
        with without_npm(self.registry), mock.patch.object(packages.npm, "LIST", self.list):
            with self.assertRaisesRegex(AssetError, f"^{SOME.name}: no file in .* that packages-npm.txt asks for"):
                download(self.folder, [SOME.name])
            (self.folder / SOME.file_name).unlink()
            self.file.write_bytes(b"abc")
            self.assertEqual(download(self.folder, [SOME.name]), {SOME.name: self.folder / SOME.file_name})


if __name__ == "__main__":
    unittest.main()
