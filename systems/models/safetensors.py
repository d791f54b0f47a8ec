"""Reads a safetensors file: a length, a header in JSON, the values."""

from __future__ import annotations

import json
import struct

import numpy as np
from numpy.typing import NDArray

_FORMS = {"F32": "<f4", "F16": "<f2"}


def tensors(raw: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of floats by their names; others are left out. Raises `ValueError` or `struct.error`."""
    (length,) = struct.unpack_from("<Q", raw)
    header = json.loads(raw[8 : 8 + length])
    values = memoryview(raw)[8 + length :]
    return {
        name: np.frombuffer(values[slice(*said["data_offsets"])], _FORMS[said["dtype"]])
        .reshape(said["shape"])
        .astype(np.float32)
        for name, said in header.items()
        if name != "__metadata__" and said["dtype"] in _FORMS
    }
