"""Counting a network in the form in which its paper writes it, where ours computes the same in another order."""

import dataclasses
import math

from keras_reid.fidelity.counter import Count, LayerCount


def in_the_papers_form(count: Count) -> Count:
    """The same network with what we compute in another way counted as the paper has it.

    - `RegionCrop` runs as two products with sampling matrices, whose rows are zero but for two entries. HAN's paper
      crops by bilinear sampling: 4 multiply-adds a value, as for a resize.
    - The 1×1 convolution of `SoftAttention` runs on the channel vector before that is spread over the map. In HAN's
      Eq. 3 and Fig. 2a it runs at every position of the map.

    Both give the same numbers either way, so the network is the paper's and only its cost differs.
    """
    by_name = {row.name: row for row in count.rows}
    return Count(count.name, tuple(_in_the_papers_form(row, by_name) for row in count.rows))


def _in_the_papers_form(row: LayerCount, by_name: dict[str, LayerCount]) -> LayerCount:
    if row.kind == "RegionCrop":
        return dataclasses.replace(row, multiply_adds=row.calls * 4 * math.prod(row.output_shape))
    if row.name.endswith("/soft/blend"):
        mask = by_name[f"{row.name}_norm"].output_shape
        return dataclasses.replace(row, multiply_adds=row.calls * row.kernels * math.prod(mask[:-1]))
    return row
