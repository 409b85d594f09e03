import unittest

from machine import first_line, memory_gib, package_version, processor_name, system_name, vector_instructions

CPUINFO = """processor\t: 0
model name\t: AMD EPYC 9B45
flags\t\t: fpu avx2 avx512f avx512_vnni

processor\t: 1
model name\t: AMD EPYC 9B45
"""


class Facts(unittest.TestCase):
    def test_the_processor_and_its_vectors(self):
        self.assertEqual(processor_name(CPUINFO), "AMD EPYC 9B45")
        self.assertEqual(vector_instructions(CPUINFO), ["avx2", "avx512f", "avx512_vnni"])

    def test_memory_and_system(self):
        self.assertEqual(memory_gib("MemTotal:       25165824 kB\nMemFree: 1 kB\n"), 24.0)
        self.assertEqual(system_name('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n'), "Debian GNU/Linux 12")

    def test_what_is_not_there_is_nothing(self):
        self.assertIsNone(processor_name(""))
        self.assertIsNone(memory_gib(""))
        self.assertEqual(vector_instructions(""), [])
        self.assertIsNone(package_version("no-such-package-as-this"))
        self.assertIsNone(first_line(["no-such-program-as-this"]))


if __name__ == "__main__":
    unittest.main()
