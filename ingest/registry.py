"""The providers there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from ingest.file import FileOptions, FileProvider
from ingest.provider import Provider, ProviderError
from ingest.sim import SimProvider
from ingest.sim_options import SimOptions

T = TypeVar("T")


def _sim(options: Mapping[str, object]) -> Provider:
    return SimProvider(_options(options, SimOptions))


def _file(options: Mapping[str, object]) -> Provider:
    return FileProvider(_options(options, FileOptions))


PROVIDERS: Final[Mapping[str, Callable[[Mapping[str, object]], Provider]]] = {"sim": _sim, "file": _file}


def make_provider(name: str, options: Mapping[str, object]) -> Provider:
    """The provider of that name. Options may be text, as they stand in the environment. Raises ProviderError."""
    make = PROVIDERS.get(name)
    if make is None:
        raise ProviderError(f"unknown provider {name!r}; known are {', '.join(PROVIDERS)}")
    return make(options)


def _options(options: Mapping[str, object], kind: type[T]) -> T:
    try:
        return msgspec.convert(options, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ProviderError(f"options of the provider: {error}") from error
