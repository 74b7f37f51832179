"""Profiles of accelerators: the settings in which a chip is fast, named after it.

Each is a function from a config to a config, as in `profiles`. docs/accelerators.md says what was
compiled, and what quality the settings were held to.
"""

import dataclasses
import os
from typing import Any

from jaxemb.lab.runs.static.config import StaticConfig
from jaxemb.static.steps import CAP

TOKENS = 8_192  # of a step: from 4,096 on, GPUs add rows without compare-and-swap
CHUNK = 8  # steps in one jitted call: a segment of text has about 20 of these
FASTER = 4 / 3  # times the learning rate: what a capped step loses on a frequent row
FLAGS = "--xla_gpu_ftz=true"  # one instruction then adds a row; XLA reads flags when JAX starts


def h200(config: StaticConfig) -> StaticConfig:
    """Settings for NVIDIA GPUs of the last generations: large steps, in TensorFloat-32.

    It also adds `FLAGS` to the environment's XLA_FLAGS.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if FLAGS not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {FLAGS}".strip()
    return _large_steps(config, precision="default", lanes=8)


def tpu(config: StaticConfig) -> StaticConfig:
    """Settings for TPUs: large steps, whole lanes, and products of three passes in bfloat16."""
    return _large_steps(config, precision="high", lanes=128)


def _large_steps(config: StaticConfig, **settings: Any) -> StaticConfig:
    batch = max(TOKENS // config.block_length, 1)
    rate = round(config.learning_rate * FASTER, 6)
    return dataclasses.replace(
        config, batch=batch, cap=CAP, chunk=CHUNK, learning_rate=rate, **settings
    )
