"""A carrier that answers as fast as Python can: `python fast_server.py [--latency SECONDS]`.

It speaks DHL Unified over plain HTTP/1.1 on loopback, about 4.4 KB an answer, with no parser in
between, so that the client under test is what costs time. It prints its port, and ends when its
standard input does. `GET /turn` lets every tenth parcel move on by one scan.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import datetime, timedelta

STARTED = datetime(2026, 11, 2, 6, 12)  # noqa: DTZ001  DHL writes Berlin's clock, no offset
TEXTS = (
    (
        "pre-transit",
        "The instruction data for this shipment have been provided by the sender to"
        " DHL electronically",
    ),
    *[("transit", "The shipment has been processed in the parcel center")] * 11,
)
KEPT = 8  # scans a parcel has before the first turn
MOVES = b"0"  # last digit of the numbers that move


def answer(scans: int) -> bytes:
    """An answer with so many scans about the parcel `@@@@@@@@@@@@@@@@@@@@`."""
    events = [
        {
            "timestamp": (STARTED + timedelta(hours=3 * place)).isoformat(),
            "location": {"address": {"countryCode": "DE", "addressLocality": f"Depot {place}"}},
            "statusCode": code,
            "status": text,
            "description": text,
            "remark": "",
            "nextSteps": "",
        }
        for place, (code, text) in enumerate(TEXTS[:scans])
    ]
    events.reverse()
    shipment = {
        "id": "@" * 20,
        "service": "parcel-de",
        "origin": {"address": {"countryCode": "DE", "postalCode": "10115"}},
        "destination": {"address": {"countryCode": "DE", "postalCode": "80331"}},
        "status": events[0],
        "details": {
            "product": {"productName": "DHL PAKET (parcel)"},
            "totalNumberOfPieces": 1,
            "weight": {"value": 2.4, "unitText": "kg"},
            "proofOfDeliverySignedAvailable": False,
            "references": [{"number": "@" * 20, "type": "customer-reference"}] * 2,
        },
        "events": events,
    }
    body = json.dumps({"shipments": [shipment]}, indent=1).encode()
    head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\n" + head.encode() + body


class Carrier(asyncio.Protocol):
    """One connection; a request is its first line, and ends with a blank one."""

    latency = 0.0
    turns = 0
    answers: tuple[bytes, ...] = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._begun = b""

    def data_received(self, data: bytes) -> None:
        """Answer every whole request."""
        *whole, self._begun = (self._begun + data).split(b"\r\n\r\n")
        for request in whole:
            reply = self._reply(request)
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self._write, reply)
            else:
                self._write(reply)

    def _write(self, reply: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(reply)

    def _reply(self, request: bytes) -> bytes:
        path = request.split(b" ", 2)[1]
        if path == b"/turn":
            Carrier.turns += 1
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        number = path.partition(b"trackingNumber=")[2][:20]
        turns = self.turns if number.endswith(MOVES) else 0
        return self.answers[turns].replace(b"@" * 20, number)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Carrier, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    Carrier.latency = parser.parse_args().latency
    Carrier.answers = tuple(map(answer, range(KEPT, len(TEXTS) + 1)))
    asyncio.run(_serve())
