"""What every source keeps to; a new file in `sources/` is tested without a change here."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from tracker_sync.sources import Source, SourceConfig, discover

SOURCES = sorted(discover().values(), key=lambda source: source.key)
every_source = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.key)


def test_no_source_hides_another() -> None:
    keys = [source.key for source in SOURCES]

    assert len(keys) == len(set(keys))
    assert "csv" in keys


@every_source
def test_the_key_is_what_type_says_in_the_yaml(source: type[Source]) -> None:
    kind = source.Config.model_fields["type"]

    assert get_args(kind.annotation) == (source.key,)
    assert kind.default == source.key


@every_source
def test_the_keys_of_an_entry_are_closed_and_frozen(source: type[Source]) -> None:
    assert issubclass(source.Config, SourceConfig)
    assert source.Config.model_config["extra"] == "forbid"
    assert source.Config.model_config["frozen"]
    with pytest.raises(ValidationError, match="no_such_key"):
        source.Config.model_validate({"type": source.key, "no_such_key": 1})


@every_source
def test_an_error_in_an_entry_shows_no_value(source: type[Source]) -> None:
    with pytest.raises(ValidationError) as caught:
        source.Config.model_validate({"type": "another", "secret": "do-not-show"})

    assert "do-not-show" not in str(caught.value)


@every_source
def test_a_source_says_which_one_it_is(source: type[Source]) -> None:
    module = inspect.getmodule(source)

    assert source.__doc__
    assert source.Config.__doc__
    assert module
    assert module.__doc__


@every_source
def test_a_source_is_one_file_of_150_lines_at_most(source: type[Source]) -> None:
    lines = Path(inspect.getfile(source)).read_text(encoding="utf-8").splitlines()

    assert len(lines) <= 150
