"""Stand-ins for the CUDA libraries that PyTorch's wheel is linked with, for a machine without a GPU.

The registry has torch only as a CUDA build. It runs on a CPU, but the dynamic linker wants its 15
CUDA libraries (2.7 GB) at start. make() puts libraries of the same names beside torch's own; they
define every symbol torch asks for, under the versions it asks for, and each returns 100: CUDA's
number for "no device". Needs cc, nm and readelf.
"""

import collections
import pathlib
import re
import subprocess
import tempfile

CUDA_LIBRARY = re.compile(r"lib(cu|nv|nccl)")
CUDA_SYMBOL = re.compile(r"(cu[A-Z]|cu[a-z]+[A-Z]|nccl|nvrtc|nvshmem|nvtx)")
# These return text, and the text is printed.
TEXT_SYMBOL = re.compile(r"String|Name|nccl.*LastError")


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Wanted:
    """What a set of libraries wants of CUDA."""

    def __init__(self, libraries):
        self.names = set()  # of libraries
        self.versions = collections.defaultdict(set)  # library -> version names
        self.symbols = collections.defaultdict(set)  # version name, "" for none -> symbols
        self.defined = set()
        for path in libraries:
            self.read(path)

    def read(self, path):
        needed = re.findall(r"NEEDED.*\[([^\]]+)\]", output_of("readelf", "-d", path))
        self.names.update(name for name in needed if CUDA_LIBRARY.match(name))
        library = ""
        for line in output_of("readelf", "-VW", path).splitlines():
            if found := re.search(r"File: (\S+)", line):
                library = found[1]
            if (found := re.search(r"Name: (\S+)\s+Flags", line)) and CUDA_LIBRARY.match(library):
                self.versions[library].add(found[1])
        for line in output_of("nm", "-D", path).splitlines():
            kind, symbol = line.split()[-2:]
            name, _, version = symbol.partition("@")
            if kind in "Uw":
                self.symbols[version.lstrip("@")].add(name)
            else:
                self.defined.add(name)

    def without_version(self):
        """Which library they come from is not recorded; any will do."""
        return {name for name in self.symbols[""] - self.defined if CUDA_SYMBOL.match(name)}


def source(symbols):
    lines = []
    for name in sorted(symbols):
        if TEXT_SYMBOL.search(name):
            lines.append(f'const char *{name}(void) {{ return "no CUDA here"; }}')
        else:
            lines.append(f"long {name}(void) {{ return 100; }}")
    return "\n".join(lines) + "\n"


def make(site_packages):
    """Writes the stand-ins into torch/lib; returns their names."""
    folder = pathlib.Path(site_packages) / "torch" / "lib"
    wanted = Wanted(path for path in sorted(folder.iterdir())
                    if re.match(r"lib(torch|c10|caffe2|shm)\w*\.so", path.name))
    names = sorted(wanted.names | set(wanted.versions))
    for name in names:
        by_version = {v: sorted(wanted.symbols[v]) for v in sorted(wanted.versions[name])}
        symbols = {symbol for some in by_version.values() for symbol in some}
        if name.startswith("libcudart"):
            symbols |= wanted.without_version()
        with tempfile.TemporaryDirectory() as scratch:
            code, script = pathlib.Path(scratch, "stub.c"), pathlib.Path(scratch, "stub.map")
            code.write_text(source(symbols))
            script.write_text("".join(
                f"{version} {{ global: {' '.join(s + ';' for s in some)} }};\n"
                for version, some in by_version.items()))
            options = [f"-Wl,--version-script={script}"] if by_version else []
            subprocess.run(["cc", "-shared", "-fPIC", "-w", "-fno-builtin", f"-Wl,-soname,{name}",
                            *options, "-o", folder / name, code], check=True)
    return names
