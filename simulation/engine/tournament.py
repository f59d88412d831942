"""A tournament tree: the least of many values, and whose it is, kept up to date in log time."""

import numpy as np

from simulation.engine.compiled import compiled
from simulation.engine.inputs import Floats

NEVER = 1e18


@compiled
def new_tree(leaves: int) -> Floats:
    """Return a tree whose values are all infinite; its root is at 1."""
    size = 1
    while size < leaves:
        size *= 2
    return np.full(2 * size, NEVER)


@compiled
def put(tree: Floats, leaf: int, value: float) -> None:
    """Set a leaf's value."""
    node = (len(tree) >> 1) + leaf
    tree[node] = value
    node >>= 1
    while node >= 1:
        least = min(tree[2 * node], tree[2 * node + 1])
        if tree[node] == least:
            break
        tree[node] = least
        node >>= 1


@compiled
def least_leaf(tree: Floats) -> int:
    """Return the leaf with the least value."""
    node, size = 1, len(tree) >> 1
    while node < size:
        node = 2 * node if tree[2 * node] == tree[1] else 2 * node + 1
    return node - size
