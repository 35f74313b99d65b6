"""The compiled parts of the package, stacker/kernel and the C of rig/devices/scenes; else see pyproject.toml.

These are plain shared libraries, loaded by ctypes: they need a C compiler and nothing of Python's. Without one they are
left out, with a warning.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        # libjpeg's headers are a package of their own (Debian: libjpeg-dev); without them the rest is built.
        Extension(
            "stacker.kernel._jpeg",
            sources=["stacker/kernel/jpeg.c"],
            libraries=["jpeg"],
            extra_compile_args=["-std=gnu99", "-O2", "-fvisibility=hidden"],
            optional=True,
        ),
        Extension(
            "stacker.kernel._lzw",
            sources=["stacker/kernel/lzw.c"],
            extra_compile_args=["-std=gnu99", "-O2", "-fvisibility=hidden"],
            optional=True,
        ),
        Extension(
            "rig.devices.scenes._lay",
            sources=["rig/devices/scenes/lay.c", "rig/devices/scenes/develop.c"],
            depends=["rig/devices/scenes/lay.h"],
            extra_compile_args=["-std=gnu99", "-O3", "-fno-math-errno", "-fvisibility=hidden"],
            optional=True,
        ),
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
        ),
    ]
)
