"""Memory of this process."""

import contextlib
import ctypes

_MMAP_THRESHOLD = -3  # of mallopt, in glibc's malloc.h


def give_back() -> None:
    """Give freed memory back to the system, where the C library can.

    Compiling leaves hundreds of MB that glibc would keep, although nothing uses them again.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def keep_apart() -> None:
    """Let glibc map every block of a MB or more by itself: its pages go back when it is freed.

    By default the largest block that was freed so far decides, up to 32 MB: tables then lie in the
    heap between small blocks that stay (100 of 580 MB, for tables of 60,000 x 100).
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)
