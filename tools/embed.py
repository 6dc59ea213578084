#!/usr/bin/env python3
"""Writes a C++ file that holds data files: embed.py NAMESPACE OUTPUT FILE... (see crossfade_embed in cmake/rooms.cmake)."""
import os
import sys

namespace, output, files = sys.argv[1], sys.argv[2], sys.argv[3:]
os.makedirs(os.path.dirname(output), exist_ok=True)
with open(output, "w") as out:
    out.write("#include <string_view>\n")
    for index, path in enumerate(files):
        # .incbin keeps the compiler out of it: a megabyte costs nothing.
        out.write(
            f'asm(".section .rodata\\n.global crossfade_{namespace}_{index}\\ncrossfade_{namespace}_{index}:\\n'
            f'.incbin \\"{path}\\"\\n.global crossfade_{namespace}_{index}_end\\ncrossfade_{namespace}_{index}_end:\\n.byte 0\\n.text\\n");\n'
            f"extern const char crossfade_{namespace}_{index}[], crossfade_{namespace}_{index}_end[];\n"
        )
    out.write(f"namespace crossfade::{namespace} {{\nstd::string_view embedded(std::string_view name) {{\n")
    for index, path in enumerate(files):
        begin = f"crossfade_{namespace}_{index}"
        out.write(f'  if (name == "{os.path.basename(path)}") return {{{begin}, static_cast<std::size_t>({begin}_end - {begin})}};\n')
    out.write("  return {};\n}\n}\n")
