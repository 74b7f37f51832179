"""The compilers of chips that are not here: where they come from, and what they must be told.

XLA compiles for a TPU by libtpu, for an NVIDIA GPU by JAX's CUDA plugin with NVIDIA's assembler.
Neither needs the chip. They lie in a folder of their own, which only a process that compiles has in
its path, so that the installed JAX stays as it is.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import platformdirs

FOLDER = "JAXEMB_COMPILERS"  # the environment variable that names another folder
_CUDA = "jax-cuda13-plugin", "jax-cuda13-pjrt"  # of JAX's own version
# of these the compiler needs the assembler, a library of functions and headers; no cuBLAS, no cuDNN
_NVIDIA = "nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-runtime", "nvidia-cuda-crt"
_MODULES = {"tpu": "libtpu", "cuda": "jax_cuda13_plugin"}
_LIBTPU = re.compile(r"libtpu\s*([=<>~!][^;]*)")


def folder() -> Path:
    """Where the compilers lie: $JAXEMB_COMPILERS, or a folder of this JAX in the user's cache."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    own = f"jax-{importlib.metadata.version('jax')}-{python}"
    return platformdirs.user_cache_path("jaxemb") / "compilers" / own


def present(platform: str) -> bool:
    """Whether the compiler of a platform, "tpu" or "cuda", is installed in the folder."""
    return (folder() / _MODULES[platform]).is_dir()


def packages(platform: str) -> list[str]:
    """What pip has to fetch for a platform, of versions that match the installed JAX."""
    jax = importlib.metadata.metadata("jax")
    if platform == "cuda":
        return [*(f"{name}=={jax['Version']}" for name in _CUDA), *_NVIDIA]
    wanted = filter(None, map(_LIBTPU.match, jax.get_all("Requires-Dist") or []))
    return [f"libtpu{requirement[1].strip()}" for requirement in wanted]


def install(platforms: set[str]) -> None:
    """Fetch the compilers of platforms that are not there into the folder, by pip."""
    missing = sorted(platform for platform in platforms if not present(platform))
    if not missing:
        return
    names = [name for platform in missing for name in packages(platform)]
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--upgrade", "--target"]
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    subprocess.run([*pip, str(folder()), *names], check=True)


def environment(platform: str, code: Path) -> dict[str, str]:
    """What a process that compiles needs, before JAX starts in it.

    Args:
        platform: "tpu" or "cuda".
        code: the folder where the assembly of a GPU's program is written.
    """
    flags = ["--xla_force_host_platform_device_count=4"]
    if platform == "cuda":  # no device to time kernels on: what is compiled is the default choice
        flags += ["--xla_gpu_autotune_level=0", f"--xla_dump_to={code}"]
    paths = [str(Path(__file__).parents[2]), str(Path(__file__).parents[3]), str(folder())]
    before = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "JAX_PLATFORMS": "cpu",
        "JAX_ENABLE_COMPILATION_CACHE": "false",  # a program that is not compiled has no assembly
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "0",  # a test may run this
        "TPU_SKIP_MDS_QUERY": "1",  # libtpu would ask Google's cloud what machine this is
        "TPU_WORKER_HOSTNAMES": "localhost",
        "TPU_ACCELERATOR_TYPE": "v5litepod-4",
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_FLAGS": " ".join([*flags, os.environ.get("XLA_FLAGS", "")]).strip(),
        "PYTHONPATH": os.pathsep.join(paths + ([before] if before else [])),
    }
