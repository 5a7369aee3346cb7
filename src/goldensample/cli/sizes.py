"""The options of `golden fit` that decide how pictures are prepared, and the paper's preset."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from goldensample.cli.options import parse_size
from goldensample.preparation.preparation import Preparation

Preset = Annotated[
    str | None, typer.Option(help='"paper" for every setting of the PatchCore paper.')
]
PAPER: dict[str, Any] = {
    "backbone": "timm:wide_resnet50_2.tv_in1k",
    "resize": "256",
    "crop": "224",
    "depth": 1024,
}


def preset_knobs(preset: str | None) -> dict[str, Any]:
    """Return the knobs that a preset sets."""
    return {"depth": PAPER["depth"], "by_position": "off", "composition": "off"} if preset else {}


@dataclass(frozen=True)
class Sizes:
    """The options that decide how pictures are prepared."""

    size: str | None
    resize: str | None
    crop: str | None
    tile: bool = False

    def or_preset(self, preset: str | None) -> "Sizes":
        """Return the preset's sizes where there is one and no option says otherwise.

        Raises:
            ValueError: there is no such preset.
        """
        if preset not in (None, "paper"):
            raise ValueError(f"preset must be paper; got {preset!r}")
        given = not preset or self != Sizes(None, None, None)
        return self if given else Sizes(None, PAPER["resize"], PAPER["crop"])

    def preparation(self) -> Preparation | None:
        """Return the preparation that the options describe; None without any of them."""
        crop = parse_size(self.crop) if self.crop else None
        if self.tile and (self.size or self.resize or self.crop):
            raise ValueError("--tile must go without --size, --resize and --crop; got both")
        if self.size and (self.resize or self.crop):
            raise ValueError("--size must go without --resize and --crop; got both")
        if self.size:
            return Preparation(parse_size(self.size))
        if self.resize:
            mode = "stretch" if "x" in self.resize.lower() else "shorter"
            if mode == "shorter" and not crop:
                raise ValueError("--resize N must go with --crop, or be HxW; got it alone")
            return Preparation(parse_size(self.resize), mode, crop)
        if crop:
            raise ValueError("--crop must go with --resize; got it alone")
        return None
