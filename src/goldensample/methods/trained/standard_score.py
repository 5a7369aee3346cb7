"""Scores that may be of any size and sign, in standard deviations of the good pictures'."""

from typing import Any

import torch
from torch import nn


class StandardScore(nn.Module):  # type: ignore[misc]
    """Mean and standard deviation of good pictures' scores, kept as buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("spread", torch.ones(()))

    def keep(self, scores: Any, least: float) -> None:
        """Set both from the scores of good pictures, (n,) float32, which may be all alike."""
        self.mean.copy_(scores.mean())
        self.spread.copy_(scores.std(correction=0).clamp_min(least))

    def forward(self, scores: Any) -> Any:
        """Return 1 + z of standard scores z, below 0 1 / (1 - z): all above 0, (n,) float32."""
        z = (scores - self.mean) / self.spread
        return torch.where(z > 0, 1 + z, 1 / (1 - z.clamp_max(0)))
