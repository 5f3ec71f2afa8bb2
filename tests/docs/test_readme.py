"""The README says nothing that is not so: its commands, its YAML, its links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

REPO = Path(__file__).resolve().parents[2]
README = (REPO / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(?:#[^)\s]*)?\)")
SEPARATORS = {"&&", "||", "|", ";", "&", "(", ")"}


def blocks(language: str) -> list[str]:
    found = (text for name, text in FENCE.findall(README) if name == language)
    return [text.replace("…", "0123456789") for text in found]


def commands(text: str) -> Iterator[list[str]]:
    """Give the words after each `tracker-sync` of a shell script."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        words.whitespace_split = True
        found: list[str] | None = None
        for word in words:
            if word in SEPARATORS or word.startswith((">", "<")):
                if found is not None:
                    yield found
                found = None
            elif found is not None:
                found.append(word)
            elif Path(word).name == "tracker-sync":
                found = []
        if found is not None:
            yield found


@dataclass
class Unknown(Exception):
    """A word of a command line that the program does not know."""

    word: str


def check(command: click.Command, words: list[str]) -> None:
    """Raise Unknown for the first option, command or argument that *command* does not take."""
    context = click.Context(command)
    options = {
        name: option
        for option in command.get_params(context)
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    rest = iter(words)
    for word in rest:
        if word.startswith("-"):
            name, given, _ = word.partition("=")
            option = options.get(name)
            if option is None:
                raise Unknown(word)
            if not (given or option.is_flag or option.count):
                next(rest, None)
        elif isinstance(command, click.Group):
            below = command.get_command(context, word)
            if below is None:
                raise Unknown(word)
            return check(below, list(rest))
        elif not any(isinstance(each, click.Argument) for each in command.params):
            raise Unknown(word)
    return None


def whole(block: str) -> dict[str, Any]:
    """Return a YAML block as a configuration; a fragment is laid over the first whole one."""
    fragment = yaml.safe_load(block)
    if "shop" in fragment:
        return dict(fragment)
    first = next(tree for tree in map(yaml.safe_load, blocks("yaml")) if "shop" in tree)
    return {**first, **fragment}


@pytest.mark.parametrize(
    "words", [each for text in blocks("sh") for each in commands(text)], ids=str
)
def test_every_command_exists_with_its_options(words: list[str]) -> None:
    from tracker_sync.cli import main

    check(main, words)


@pytest.mark.parametrize("block", blocks("yaml"))
def test_every_yaml_block_is_a_configuration(block: str, tmp_path: Path) -> None:
    from tracker_sync.settings import load

    (tmp_path / "inbox").mkdir()
    file = tmp_path / "tracker-sync.yaml"
    tree = yaml.safe_dump(whole(block), allow_unicode=True)
    file.write_text(tree, encoding="utf-8")

    load(file, environ={})


@pytest.mark.parametrize(("text", "target"), LINK.findall(README))
def test_every_link_into_the_repository_leads_somewhere(text: str, target: str) -> None:
    if "://" in target or target.startswith("mailto:"):
        return
    file = REPO / target.partition("::")[0]
    assert file.exists()
    for test in {target.partition("::")[2], *re.findall(r"\btest_\w+(?!\w*\.py)", text)} - {""}:
        assert f"def {test}(" in file.read_text(encoding="utf-8") or test == file.stem


def test_the_readme_shows_a_configuration_and_commands() -> None:
    assert blocks("yaml")
    assert len(blocks("sh")) >= 2


def test_the_readme_says_how_to_run_the_tests() -> None:
    _, heading, section = README.partition("Run the tests\n")

    [block] = [text for language, text in FENCE.findall(section)[:1] if language == "sh"]

    assert heading
    assert "[test]" in block
    assert "pytest" in block


@click.group()
@click.option("--config")
@click.option("--verbose/--quiet")
@click.version_option("1")
def example() -> None: ...


@example.command()
@click.argument("number")
@click.option("--json", is_flag=True)
@click.option("--now")
def explain(number: str) -> None: ...


@example.command()
def sync() -> None: ...


@pytest.mark.parametrize(
    "line",
    [
        "tracker-sync --version",
        "tracker-sync --quiet --config a.yaml explain 123 --json --now=T --help",
        ".venv/bin/tracker-sync sync && tracker-sync explain 1 > out.txt",
        "A=b tracker-sync \\\n  sync  # once",
    ],
)
def test_a_right_command_is_accepted(line: str) -> None:
    found = list(commands(line))

    for words in found:
        check(example, words)

    assert found


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("tracker-sync snyc", "snyc"),
        ("tracker-sync sync --jsno", "--jsno"),
        ("tracker-sync sync 123", "123"),
        ("tracker-sync sync; tracker-sync --confg a", "--confg"),
    ],
)
def test_a_wrong_command_is_found(line: str, word: str) -> None:
    *right, wrong = commands(line)
    for words in right:
        check(example, words)

    with pytest.raises(Unknown) as caught:
        check(example, wrong)

    assert caught.value.word == word


@pytest.mark.parametrize("name", ["events", "carriers"])
def test_a_generated_table_is_what_the_program_prints(name: str) -> None:
    from click.testing import CliRunner

    from tracker_sync.cli import main

    printed = CliRunner().invoke(main, [name, "--markdown"]).output.strip()
    (written,) = re.findall(rf"<!-- {name}: .*?-->\n(.*?)<!-- /{name} -->", README, re.DOTALL)

    assert written.strip() == printed
