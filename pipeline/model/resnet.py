"""Pre-activation residual networks (He et al. 2016, arxiv.org/abs/1603.05027) for log-mel input."""

import dataclasses
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras
from keras import layers

from tfx_audio.components.audio.errors import InvalidInput, did_you_mean
from tfx_audio.pipeline.model.config import import_function

Backbone = Callable[[Any], Any]
BATCH_NORM_MOMENTUM = 0.9


@dataclasses.dataclass(frozen=True)
class ResNetSpec:
    """Depth and width of a network.

    Attributes:
      stem: Channels of the first convolution.
      stem_strides: Its strides in (time, frequency).
      widths: Channels of each stage; every stage but the first halves time and frequency.
      blocks: Residual blocks in each stage.
    """

    stem: int
    stem_strides: tuple[int, int]
    widths: tuple[int, ...]
    blocks: tuple[int, ...]


SPECS: Mapping[str, ResNetSpec] = MappingProxyType(
    {
        # For two CPU cores: some 80,000 parameters.
        "resnet_small": ResNetSpec(16, (2, 2), (16, 32, 64), (1, 1, 1)),
        "resnet_medium": ResNetSpec(32, (2, 2), (32, 64, 128), (2, 2, 2)),
        # ResNet-18's depth and width, for GPUs: 11 million parameters.
        "resnet18": ResNetSpec(64, (2, 2), (64, 128, 256, 512), (2, 2, 2, 2)),
    }
)


def get_backbone(name: str) -> Backbone:
    """Return the function from a normalised log-mel to features.

    It takes ``(batch, frames, n_mels, 1)`` and returns ``(batch, features)``.

    Args:
      name: A name of `SPECS`, or ``package.module:function`` of one's own.

    Raises:
      InvalidInput: If no network has that name.
    """
    if name in SPECS:
        spec = SPECS[name]
        return lambda log_mel: resnet(log_mel, spec)
    if ":" in name:
        return import_function(name)
    raise InvalidInput(
        f"model.backbone must be one of {', '.join(SPECS)} or module:function, "
        f"got {name!r}.{did_you_mean(name, SPECS)}"
    )


def resnet(log_mel: Any, spec: ResNetSpec) -> Any:
    """Build the network and return its pooled features, ``(batch, widths[-1])``."""
    x = _conv(log_mel, spec.stem, spec.stem_strides, "stem")
    for stage, (width, blocks) in enumerate(zip(spec.widths, spec.blocks, strict=True)):
        for block in range(blocks):
            strides = (2, 2) if stage > 0 and block == 0 else (1, 1)
            x = residual_block(x, width, strides, f"stage{stage}_block{block}")
    x = layers.Activation("relu", name="post_relu")(_batch_norm(x, "post_bn"))
    return layers.GlobalAveragePooling2D(name="pool")(x)


def residual_block(x: Any, width: int, strides: tuple[int, int], name: str) -> Any:
    """Normalise, activate, convolve, twice; add the input, projected where shapes differ."""
    active = layers.Activation("relu", name=f"{name}_relu1")(_batch_norm(x, f"{name}_bn1"))
    projected = x.shape[-1] != width or strides != (1, 1)
    shortcut = _conv(active, width, strides, f"{name}_shortcut", size=1) if projected else x
    y = _conv(active, width, strides, f"{name}_conv1")
    y = layers.Activation("relu", name=f"{name}_relu2")(_batch_norm(y, f"{name}_bn2"))
    y = _conv(y, width, (1, 1), f"{name}_conv2")
    return layers.Add(name=f"{name}_add")([shortcut, y])


def _batch_norm(x: Any, name: str) -> Any:
    return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, name=name)(x)


def _conv(x: Any, width: int, strides: tuple[int, int], name: str, size: int = 3) -> Any:
    return layers.Conv2D(
        width,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(),
        name=name,
    )(x)
