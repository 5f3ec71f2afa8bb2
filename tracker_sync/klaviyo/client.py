"""Calls to Klaviyo: send events, look at the account, check the key."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from tracker_sync.errors import CallError, Rejected, Unavailable, Unreadable
from tracker_sync.klaviyo import bulk
from tracker_sync.klaviyo.config import OFFICIAL, REVISION, KlaviyoConfig
from tracker_sync.klaviyo.outcome import Outcome, OutcomeState, challenged, failed, judge
from tracker_sync.wire import Wire, check, moved

PEER = "klaviyo"
_MEDIA_TYPE = "application/vnd.api+json"
# No metric and nobody to tell: Klaviyo cannot take it, whatever the key.
_IMPOSSIBLE = (
    '{"data":{"type":"event","attributes":{"properties":{},'
    '"profile":{"data":{"type":"profile","attributes":{}}}}}}'
)


@dataclass(frozen=True, slots=True)
class Account:
    """Whose key this is; blank where the key may not tell."""

    name: str = ""
    public_key: str = ""
    timezone: str = ""
    test: bool = False


class Klaviyo:
    """Sends event bodies with the key of the configuration."""

    def __init__(self, config: KlaviyoConfig) -> None:
        self._config = config

    def send(self, wire: Wire, body: str) -> Outcome:
        """Make one attempt to send *body*; whatever happens is an outcome, not an exception."""
        path = "/client/events" if self._config.public_key else "/api/events"
        return self._judged(wire, self._request("POST", path, body))

    def send_many(self, wire: Wire, bodies: Sequence[str]) -> list[Outcome]:
        """Send *bodies* in as few calls as possible; one outcome each, in their order."""
        if self._config.public_key:
            return _one_by_one(bodies, lambda body: self.send(wire, body))
        path = "/api/event-bulk-create-jobs"

        def post(text: str) -> httpx.Response | Outcome:
            try:
                return wire.send(self._request("POST", path, text))
            except CallError as exc:
                return failed(exc)

        return bulk.send_many(bodies, post)

    def account(self, wire: Wire) -> Account:
        """Ask whose key this is; raise Rejected for a key Klaviyo does not know.

        A public key cannot be asked about, and a private one may lack the scope for it
        (accounts:read): the name then stays blank.
        """
        if self._config.public_key:
            return Account(public_key=self._config.public_key)
        response = wire.send(self._request("GET", "/api/accounts"), repeatable=True)
        if response.status_code == HTTPStatus.FORBIDDEN:
            if challenged(response):
                raise Unavailable(PEER, "HTTP 403 from a guard in front of Klaviyo")
            return Account()
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise Rejected(PEER, judge(response).text, status=response.status_code)
        check(PEER, response)
        return _account(response)

    def key_allows_events(self, wire: Wire) -> bool | None:
        """Whether the key may send events; None = cannot be told. Nothing is recorded by asking.

        Asks with a body that cannot be accepted: the scope is checked before the body.
        """
        if self._config.public_key:
            return None
        try:
            response = wire.send(self._request("POST", "/api/events", _IMPOSSIBLE), repeatable=True)
        except CallError:
            return None
        if challenged(response):
            return None
        if judge(response).state is OutcomeState.REFUSED:
            return True
        return False if response.status_code == HTTPStatus.FORBIDDEN else None

    def warnings(self) -> list[str]:
        """What this configuration cannot do, in sentences for the merchant."""
        found = []
        if self._config.public_key:
            found.append(
                "public_key is the old way: Klaviyo asks not to use it from servers, the key "
                "cannot be checked, a list of allowed domains in Klaviyo blocks it, anybody who "
                "reads the shop's pages can send with it, and reports, provisioning and bulk "
                "import need a private key. Create one with the scope events:write under "
                "Settings > API keys and write it as private_key."
            )
        if self._config.revision < REVISION:
            found.append(
                f"revision {self._config.revision} may not know backfill, which keeps old news "
                f"and mode: shadow from starting flows; {REVISION} does."
            )
        return found

    def _judged(self, wire: Wire, request: httpx.Request) -> Outcome:
        try:
            return judge(wire.send(request))
        except CallError as exc:
            return failed(exc)

    def _request(self, method: str, path: str, body: str | None = None) -> httpx.Request:
        params = {"company_id": self._config.public_key} if self._config.public_key else None
        return call(self._config, method, path, body, params=params)


def call(
    config: KlaviyoConfig,
    method: str,
    path: str,
    body: str | None = None,
    *,
    params: Mapping[str, str] | None = None,
) -> httpx.Request:
    """Write one call to Klaviyo as it wants them."""
    # No opt-out of falling forward: once our revision is retired Klaviyo answers with the next
    # one it has, which serves a shop nobody updates better than silence does.
    url = moved(OFFICIAL + path, config.base_url)
    headers = {"revision": config.revision, "Accept": _MEDIA_TYPE}
    if body is not None:
        headers["Content-Type"] = _MEDIA_TYPE
    if config.private_key:
        key = config.private_key.get_secret_value()
        headers["Authorization"] = f"Klaviyo-API-Key {key}"
    content = None if body is None else body.encode()
    return httpx.Request(method, url, params=params, headers=headers, content=content)


def _one_by_one(bodies: Sequence[str], send: Callable[[str], Outcome]) -> list[Outcome]:
    """Send each; once one says again or halt, the rest share its fate unsent."""
    outcomes: list[Outcome] = []
    for body in bodies:
        outcomes.append(send(body))
        if outcomes[-1].state in bulk.STOPS:
            break
    return outcomes + outcomes[-1:] * (len(bodies) - len(outcomes))


def _account(response: httpx.Response) -> Account:
    try:
        attributes = json.loads(response.content)["data"][0]["attributes"]
        return Account(
            name=str(attributes["contact_information"]["organization_name"]),
            public_key=str(attributes["public_api_key"]),
            timezone=str(attributes["timezone"]),
            test=attributes["test_account"] is True,
        )
    except (ValueError, LookupError, TypeError, RecursionError) as exc:
        text = f"the account has another shape than expected ({type(exc).__name__})"
        raise Unreadable(PEER, text) from None
