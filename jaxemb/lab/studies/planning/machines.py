"""Machines for a training run, from the makers' publications; and one that was measured."""

from typing import NamedTuple


class Machine(NamedTuple):
    """The best rates of a machine's devices, per second and device."""

    name: str
    devices: int
    per_host: int  # devices connected by `link`
    memory: float  # bytes
    memory_rate: float  # bytes, read and written
    product_rate: float  # floating-point operations of matrix products
    link: float  # bytes received from devices of the same host, or slice
    between: float  # bytes received from other hosts
    latency: float  # seconds from one device to another; assumed, not published
    line: int  # fewest bytes that memory moves at a time: a part of a row should fill them
    source: str


GPU_NODE = Machine(
    name="one node of 8 H100 SXM",
    devices=8,
    per_host=8,
    memory=80e9,
    memory_rate=3.35e12,
    product_rate=494.7e12,  # TF32, dense: what JAX's default precision uses there
    link=450e9,  # of 900 GB/s in both directions
    between=50e9,  # 400 Gb/s InfiniBand for each GPU
    latency=5e-6,
    line=128,
    source="NVIDIA H100 data sheet, 2023: 80 GB, 3.35 TB/s, NVLink 900 GB/s both ways; "
    "H100 architecture paper, 2022: TF32 494.7 TFLOP/s; DGX H100: 400 Gb/s a GPU between nodes",
)

GPU_NODES = GPU_NODE._replace(name="16 nodes of 8 H100 SXM", devices=128)

TPU_SLICE = Machine(
    name="a TPU v5p slice of 4 x 4 x 4 chips",
    devices=64,
    per_host=64,  # the slice is one torus
    memory=95 * 2**30,
    memory_rate=2.765e12,
    product_rate=459e12,  # bfloat16: what JAX's default precision uses there
    link=200e9,  # one axis of the torus: 2 of 6 links, of 1,200 GB/s both ways
    between=6.25e9,  # 50 Gb/s a chip
    latency=1e-6,
    line=512,  # 128 lanes of float32
    source="Google Cloud documentation of TPU v5p, read in 2026: 95 GiB, 2,765 GB/s, bf16 459 "
    "TFLOP/s, interconnect 1,200 GB/s both ways and 50 Gb/s to other slices, a chip",
)

CPU_HOSTS = Machine(
    name="64 hosts of one 64-core CPU, 100 Gb/s Ethernet",
    devices=64,
    per_host=1,
    memory=768e9,  # 12 modules of 64 GB
    memory_rate=460.8e9,
    product_rate=64 * 57e9,  # docs/speed.md: products of a block, a core, times 64
    link=12.5e9,
    between=12.5e9,
    latency=50e-6,
    line=64,
    source="AMD EPYC 9554 (2022): 64 cores, 12 channels of DDR5-4800, 460.8 GB/s; products as "
    "measured in docs/speed.md, 57 GFLOP/s a core, taken times 64; line rate of 100 Gb/s Ethernet",
)

MEASURED = Machine(
    name="the machine of docs/speed.md",
    devices=1,
    per_host=1,
    memory=23e9,
    memory_rate=7e9,
    product_rate=2 * 57e9,
    link=1.0,  # there is no other device
    between=1.0,
    latency=0.0,
    line=64,
    source="docs/speed.md, 2 CPU cores: 7 GB/s read and written in a copy, products of a block "
    "57 GFLOP/s a core",
)

ALL = (GPU_NODE, GPU_NODES, TPU_SLICE, CPU_HOSTS)
