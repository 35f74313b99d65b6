"""The compiled part of the package, see stacker/kernel; everything else is in pyproject.toml.

It is a plain shared library, loaded by ctypes: it needs a C compiler and nothing of Python's. Without one it is left
out, with a warning.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "stacker.kernel._kernel",
            sources=[f"stacker/kernel/{name}.c" for name in ("band", "patch", "survey", "warp")],
            depends=["stacker/kernel/kernel.h", "stacker/kernel/mathematics.h"],
            # No -ffast-math: both options only say that nobody looks at errno and at floating-point exceptions.
            extra_compile_args=[
                "-std=gnu99",
                "-O3",
                "-fno-math-errno",
                "-fno-trapping-math",
                "-fvisibility=hidden",
            ],
            optional=True,
        )
    ]
)
