"""Functions that numba compiles, with their types kept."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

_Function = TypeVar("_Function", bound=Callable[..., object])


def compiled(function: _Function) -> _Function:
    """Compile a function to machine code, which is cached beside it."""
    return cast("_Function", njit(cache=True, error_model="numpy")(function))
