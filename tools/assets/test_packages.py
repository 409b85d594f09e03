import io
import tarfile
import tempfile
import unittest
import zipfile
from pathlib import Path

import packages
from packages import Archive, AssetError, matching_archives, requirements, sha256, wanted_hashes

# The SHA-256 of the three bytes "abc".
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


class WantedHashes(unittest.TestCase):
    def test_reads_name_and_hash_and_skips_the_rest(self):
        content = f"# a comment\n--no-binary some.thing\nsome.thing-2==1.0 --hash=sha256:{ABC}\n"
        self.assertEqual(wanted_hashes(content), {"some.thing-2": ABC})

    def test_every_package_of_the_list_has_a_hash(self):
        content = packages.LIST.read_text()
        self.assertEqual(len(wanted_hashes(content)), content.count("=="))


class Requirements(unittest.TestCase):
    def test_takes_the_lines_of_some_packages_and_their_options(self):
        one, two = f"one==1.0 --hash=sha256:{ABC}", f"two==2.0 --hash=sha256:{ABC}"
        content = f"# one: a comment\n{one}\n# two\n--no-binary two\n{two}\n"
        self.assertEqual(requirements(content, ["one"]), f"{one}\n")
        self.assertEqual(requirements(content, ["two"]), f"--no-binary two\n{two}\n")


class InFolder(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)


class MatchingArchives(InFolder):
    def test_finds_files_by_content_whatever_their_name(self):
        file = self.folder / "renamed.whl"
        file.write_bytes(b"abc")
        self.assertEqual(sha256(file), ABC)
        self.assertEqual(matching_archives(self.folder, {"some": ABC}), {"some": file})

    def test_leaves_out_a_file_with_another_hash(self):
        (self.folder / "some-1.0.whl").write_bytes(b"abd")
        self.assertEqual(matching_archives(self.folder, {"some": ABC}), {})


class Reading(InFolder):
    def test_reads_a_member_of_a_wheel(self):
        with zipfile.ZipFile(self.folder / "some-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("some/words.txt", "one two")
        archive = Archive(self.folder / "some-1.0-py3-none-any.whl")
        self.assertEqual(archive.read("some/words.txt"), b"one two")
        with self.assertRaisesRegex(AssetError, "some-1.0-py3-none-any.whl holds no some/more.txt"):
            archive.read("some/more.txt")

    def test_reads_a_member_of_a_source_distribution_below_its_top_folder(self):
        with tarfile.open(self.folder / "some-1.0.tar.gz", "w:gz") as source:
            member = tarfile.TarInfo("some-1.0/words.txt")
            member.size = 3
            source.addfile(member, io.BytesIO(b"one"))
        archive = Archive(self.folder / "some-1.0.tar.gz")
        self.assertEqual(archive.read("words.txt"), b"one")
        with self.assertRaisesRegex(AssetError, "some-1.0.tar.gz holds no more.txt"):
            archive.read("more.txt")

    def test_reads_a_member_of_an_npm_package(self):
        with tarfile.open(self.folder / "some-1.0.tgz", "w:gz") as package:
            member = tarfile.TarInfo("package/words.txt")
            member.size = 3
            package.addfile(member, io.BytesIO(b"one"))
        self.assertEqual(Archive(self.folder / "some-1.0.tgz").read("words.txt"), b"one")

    def test_reads_an_archive_inside_an_archive(self):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as inner:
            member = tarfile.TarInfo("texts/words.txt")
            member.size = 3
            inner.addfile(member, io.BytesIO(b"one"))
        with zipfile.ZipFile(self.folder / "some-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("some/texts.tar.gz", content.getvalue())
        archive = Archive(self.folder / "some-1.0-py3-none-any.whl").inner("some/texts.tar.gz")
        self.assertEqual(archive.read("words.txt"), b"one")


if __name__ == "__main__":
    unittest.main()
