"""Log lines on stderr, one fact each, and nobody's data in them.

Floor 4. JSON where a program reads, colours where a person does. What a module must not log is
masked here once more, as the last line of defence: the redaction runs after every exception has
become text and before anything is written, for our own lines and for those of libraries.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath
from types import TracebackType
from typing import Any, TextIO
from uuid import UUID

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tracker_sync.plain import logged

HIDDEN = "[hidden]"
DEEPEST = 8  # levels of nesting that are shown; also ends a structure that contains itself
PLAIN = (str, date, timedelta, PurePath, UUID, BaseException)  # what is logged by its text
HEAD, TAIL = 4_000, 12_000  # characters kept of an endless text: its start, and its end

# httpx logs every URL with its query. What a job raises is logged by the daemon, once.
QUIET = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "apscheduler": logging.WARNING,
    "apscheduler.executors": logging.CRITICAL,
}

_SECRET_KEY = re.compile(
    r"(?:^|[_.\- ])(?:authorization|api_?-?key|apikey|auth|cookie|credentials?|passw(?:or)?d|pwd"
    r"|private_?key|secret|signature|token)$",
    re.IGNORECASE,
)
_PERSON_KEY = re.compile(
    r"^(?:\w*e_?-?mail|\w*phone|sms|recipient|signer|signed_by|street\w*"
    r"|(?:customer|first|last|full|sur|recipient|signer)_?name)$",
    re.IGNORECASE,
)


def _url(match: re.Match[str]) -> str:
    scheme, authority, rest = match.groups()
    host = authority.rpartition("@")[2]
    return f"{scheme}://{host}{'/…' if rest else ''}"


def _number(match: re.Match[str]) -> str:
    bare = re.sub(r"[ -]", "", match[0])
    if len(bare) < 10 or sum(map(str.isdigit, bare)) < 8:
        return match[0]
    return f"…{bare[-6:]}"


def _phone(match: re.Match[str]) -> str:
    return "[phone]" if sum(map(str.isdigit, match[0])) >= 8 else match[0]


# In this order. Repetitions are bounded, so that a hostile text costs no more than a long one.
_AT, _PART = r"(?:@|\uff20|%40)", r"[^\s@\uff20<>\"'(),:;\[\]{}=/|?&]"
_PATTERNS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"(?<![a-z0-9])([a-z][a-z0-9+.-]{0,20})://([^\s/?#\\\"'<>]*)([/?#\\][^\s\"'<>]*)?", _url),
    (r"\?[\w\[\].%-]{1,80}=[^\s\"'<>)]*", "?…"),  # a query without its host
    (  # a header, to the end of the value
        r"(authorization[\\\"']{0,3}\s*[:=]\s*)(\\?[\"'])?(?(2)[^\"'\r\n]*|[^\r\n]+)",
        rf"\1\2{HIDDEN}",
    ),
    (r"\b(basic|bearer|klaviyo-api-key)(\s+)[^\s\"',;)]+", rf"\1\2{HIDDEN}"),
    (r"(?<![a-z0-9])(pk|sk|ck|cs|shp[a-z]{2})_[a-z0-9_-]+", r"\1_…"),
    (r"(?<![\w-])eyJ[\w-]+(?:\.[\w-]*){1,2}", HIDDEN),  # a JSON web token
    (  # key=value, "key": "value"; after a bare colon only what has a digit, to spare prose
        r"((?:api[_-]?key|passw(?:or)?d|secret|token)[\\\"']{0,3}\s?"
        r"(?:=\s?[\\\"']{0,2}|:\s?[\\\"']{1,2}|:\s?(?=\S{0,40}[0-9])))[^\s\"',;&})\[\]…]+",
        rf"\1{HIDDEN}",
    ),
    (rf"(?:\"[^\"@\r\n]{{1,64}}\"|{_PART}{{1,128}}){_AT}{_PART}{{1,255}}", "[email]"),
    (r"\+(?:[ ()./-]{0,3}[0-9]){8,20}", "[phone]"),
    (r"(?<![\w.:-])\(?0[0-9]{2,5}\)?[ /-]{1,3}[0-9](?:[ /-]{0,3}[0-9]){3,12}", _phone),
    (r"(?<![a-z0-9])(?-i:[A-Z0-9]{1,8}(?: [A-Z0-9]{1,8}){1,12})(?![a-z0-9])", _number),
    (r"(?<![0-9a-z-])[0-9]{4}(?:-[0-9]{4}){2,6}(?![0-9])", _number),
)
_RULES = tuple((re.compile(pattern, re.IGNORECASE), instead) for pattern, instead in _PATTERNS)
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-z])"
_LONG = re.compile(rf"(?<![a-z0-9])(?:(?P<id>{_UUID})|[a-z0-9]{{10,}})", re.IGNORECASE)


def _long(match: re.Match[str]) -> str:
    # A message's id is no secret, and the operator needs it whole: `tracker-sync messages retry`.
    return match[0] if match["id"] else _number(match)


def masked(text: str) -> str:
    """Return *text* without what looks like a person, a key, a full address or a whole number."""
    if len(text) > HEAD + TAIL:
        # A word that is cut in two would not be recognised, so it goes.
        text = " ".join((*text[:HEAD].rsplit(None, 1)[:-1], "…", *text[-TAIL:].split(None, 1)[1:]))
    text = logged(text)
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return _LONG.sub(_long, text)


def _shown(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**9 else masked(str(value))
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return "…" if depth >= DEEPEST else _nested(value, depth + 1)
    if isinstance(value, bytes):
        return masked(value.decode("utf-8", "replace"))
    # The repr of any other object may hold names, which no pattern finds.
    return masked(str(value)) if isinstance(value, PLAIN) else f"<{type(value).__name__}>"


def _nested(value: Mapping[object, object] | Iterable[object], depth: int) -> object:
    if isinstance(value, Mapping):
        return {masked(str(key)): _under(str(key), item, depth) for key, item in value.items()}
    return [_shown(item, depth) for item in value]


def _under(key: str, value: object, depth: int = 0) -> object:
    if value and value is not True and (_SECRET_KEY.search(key) or _PERSON_KEY.search(key)):
        return HIDDEN
    return _shown(value, depth)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask every value of a log line, however deep; the last processor before the renderer."""
    return {masked(key): _under(key, value) for key, value in event.items()}


def _stamped(clock: Callable[[], datetime]) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        now = clock().astimezone(UTC)
        return {"timestamp": f"{now:%Y-%m-%dT%H:%M:%SZ}", **event}

    return stamp


def _renderer(*, json: bool, colors: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer()
    # The traceback is text by now; a prettier one would print local variables.
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)


class _Lines(logging.Formatter):
    """What libraries say, as lines like ours."""

    def __init__(self, processors: Iterable[Processor]) -> None:
        super().__init__()
        self.processors = tuple(processors)

    def format(self, record: logging.LogRecord) -> str:
        facts = {"library": record.name, "text": record.getMessage(), "exc_info": record.exc_info}
        line: Any = {"event": "library.said", **facts}
        for process in self.processors:
            line = process(None, record.levelname.lower(), line)
        return str(line)


class _Stderr(logging.StreamHandler[TextIO]):
    """Standard error as it is when a line is written, not as it was when logging began."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        # The standard one prints the arguments as they are.
        self.stream.write(f"log.line_lost library={record.name}\n")


def _crashed(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, at)
        return
    structlog.get_logger().critical("program.crashed", exc_info=(kind, error, at))


def configure(
    clock: Callable[[], datetime], *, verbose: bool = False, json: bool | None = None
) -> None:
    """Send log lines to stderr from now on; call it once per command, before anything is done.

    *clock* stamps the lines. *json* None means JSON lines unless stderr is a terminal. Also takes
    over warnings, what libraries log, and the traceback of a crash, which would be printed raw.
    """
    terminal = sys.stderr.isatty()
    plain = not terminal if json is None else json
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _stamped(clock),
        structlog.processors.format_exc_info,
        redact,
        _renderer(json=plain, colors=terminal),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger("DEBUG" if verbose else "INFO"),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,  # or loggers of modules would ignore this call
    )
    _take_over(_Lines(processors))
    sys.excepthook = _crashed


def _take_over(lines: logging.Formatter) -> None:
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler, _Stderr)]:
        root.removeHandler(old)
    ours = _Stderr()
    ours.setFormatter(lines)
    root.addHandler(ours)
    root.setLevel(logging.WARNING)
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=True)
