"""Plain vision transformers of timm: tokens after chosen blocks as maps on the grid of patches."""

import copy
from typing import Any

import torch
from torch import nn

from goldensample.errors import WeightsError


class Blocks(nn.Module):  # type: ignore[misc]
    """A transformer up to the last block that is asked for.

    Each map holds the patches' tokens after a block and the network's last layer norm; class and
    register tokens are left out. Sides of a picture are multiples of `stride`, the patch's side.

    Args:
        model: timm's VisionTransformer or Eva with `dynamic_img_size`; cut after the last block.
        blocks: counted from 0, ascending.
    """

    def __init__(self, model: Any, blocks: tuple[int, ...]) -> None:
        super().__init__()
        model.prune_intermediate_layers(list(blocks), prune_norm=False, prune_head=True)
        self.model, self.blocks, self.stride = model, blocks, model.patch_embed.patch_size[0]
        self.pretrained_cfg = model.pretrained_cfg

    def forward(self, pictures: Any) -> list[Any]:
        """Return (n, d, H / stride, W / stride) for each block.

        Args:
            pictures: (n, 3, H, W) float32, normalised.

        Raises:
            WeightsError: a side is no multiple of the patch's side.
        """
        n, _, height, width = pictures.shape
        if not torch.jit.is_tracing() and (height % self.stride or width % self.stride):
            raise WeightsError(
                f"a canvas must be whole patches of {self.stride}x{self.stride} pixels; "
                f"{height}x{width} is not"
            )
        tokens = self.model.forward_intermediates(
            pictures, list(self.blocks), norm=True, output_fmt="NLC", intermediates_only=True
        )
        grid = height // self.stride, width // self.stride
        return [one.transpose(1, 2).reshape(n, -1, *grid) for one in tokens]

    def for_export(self) -> "Blocks":
        """Return a copy that computes the same from operations that ONNX has, for any grid.

        Raises:
            WeightsError: its rotary positions are others than DINOv3's.
        """
        rope = getattr(self.model, "rope", None)
        if rope is not None and not hasattr(rope, "periods"):
            raise WeightsError(
                f"the rotary positions of a transformer must be DINOv3's; {type(rope).__name__} is "
                "another kind; use another network"
            )
        other = copy.deepcopy(self)
        model = other.model
        for module in model.modules():
            if hasattr(module, "fused_attn"):
                module.fused_attn = False
        positions = _take_positions(model)
        model.patch_embed = _Patches(model.patch_embed, self.stride, positions)
        if rope is not None:
            model.rope = _Rotation(rope)
        return other


def _take_positions(model: Any) -> Any:
    """Add the embedded positions of class and registers to these tokens; return the patches'.

    Returns:
        (h, w, d) on the grid that the network was trained on, or None where it has none.
    """
    if model.pos_embed is None:
        return None
    positions = model.pos_embed.detach()[0]
    if not model.no_embed_class:
        count = model.num_prefix_tokens
        prefix, positions = positions[:count], positions[count:]
        for token in (model.cls_token, model.reg_token):
            if token is not None:
                token.data += prefix[: token.shape[1]]
                prefix = prefix[token.shape[1] :]
    model.pos_embed = None
    return positions.reshape(*model.patch_embed.grid_size, -1)


class _Patches(nn.Module):  # type: ignore[misc]
    """Embeds patches and adds their positions, resized to the grid of the picture."""

    def __init__(self, embed: Any, stride: int, positions: Any) -> None:
        super().__init__()
        self.proj, self.norm, self.grid_size = embed.proj, embed.norm, embed.grid_size
        self.stride = stride
        self.register_buffer("positions", positions)

    def forward(self, pictures: Any) -> Any:
        """Return (n, h, w, d); a graph of it refuses sides that are no multiples of the stride."""
        n, _, height, width = pictures.shape
        h, w = height // self.stride, width // self.stride
        whole = pictures.reshape(n, 3, h, self.stride, w, self.stride)
        tokens = self.proj(whole.reshape(n, 3, h * self.stride, w * self.stride))
        tokens = self.norm(tokens.permute(0, 2, 3, 1))
        if self.positions is None:
            return tokens
        rows, columns, depth = self.positions.shape
        by_row = _bicubic(rows, h) @ self.positions.reshape(rows, columns * depth)
        return tokens + _bicubic(columns, w) @ by_row.reshape(h, columns, depth)


def _centres(count: Any) -> Any:
    """Return the centres of an axis's cells, in (0, 1), as float32: the exporter makes float64."""
    cells = torch.arange(count).to(torch.float32)
    return (cells + 0.5) / (cells[-1:] + 1)


def _bicubic(old: int, new: Any) -> Any:
    """Return the (new, old) matrix of torch's antialiased bicubic resizing of an axis."""
    width = torch.tensor([float(old)])
    centres = _centres(new)
    reach = (centres[:1] * 2 * width).clamp(min=1.0)
    distance = (
        torch.arange(old).to(torch.float32) + 0.5 - (centres * width)[:, None]
    ).abs() / reach
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((2.5 - 0.5 * distance) * distance - 4) * distance + 2
    weights = torch.where(distance < 1, near, far) * (distance < 2).to(torch.float32)
    return weights / weights.sum(1, keepdim=True)


class _Rotation(nn.Module):  # type: ignore[misc]
    """Rotary positions of DINOv3, whose grid is not a constant of the graph."""

    def __init__(self, rope: Any) -> None:
        super().__init__()
        self.half = rope.rotate_half
        self.register_buffer("periods", rope.periods)

    def get_embed(self, shape: Any) -> Any:
        """Return (h w, 2 d): sines and cosines of the angles of each cell."""
        h, w = shape
        axes = torch.meshgrid(_centres(h), _centres(w), indexing="ij")
        cells = (torch.stack(axes, -1) * 2 - 1).reshape(-1, 2, 1)
        angles = (2 * torch.pi * cells / self.periods).flatten(1)
        pair = [angles, angles]
        angles = torch.cat(pair, -1) if self.half else torch.stack(pair, -1).flatten(-2)
        return torch.cat([angles.sin(), angles.cos()], -1)
