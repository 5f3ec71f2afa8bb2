"""The closed sets: one word per thing, in code, log, YAML and database."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How far a shipment is."""

    ANNOUNCED = "announced"
    DISPATCHED = "dispatched"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    LOST = "lost"


class Problem(StrEnum):
    """What is wrong with a shipment; a flag beside the status, never a status."""

    ADDRESS = "address"
    DELAYED = "delayed"
    DAMAGED = "damaged"
    CUSTOMS = "customs"
    REFUSED = "refused"
    OTHER = "other"


class Detail(StrEnum):
    """Where or to whom a parcel was delivered, or why it is delayed."""

    RECIPIENT = "recipient"
    HOUSEHOLD = "household"
    NEIGHBOUR = "neighbour"
    SAFE_PLACE = "safe_place"
    MAILBOX = "mailbox"
    LOCKER = "locker"
    COLLECTED = "collected"
    STALLED = "stalled"
    NOT_HANDED_OVER = "not_handed_over"
    ESTIMATE_PASSED = "estimate_passed"
    ESTIMATE_SLIPPED = "estimate_slipped"


class Direction(StrEnum):
    """To the customer, or back from the customer."""

    OUTBOUND = "outbound"
    RETURN = "return"


class Origin(StrEnum):
    """Who said what a scan says: the carrier, the source, or the passing of time."""

    CARRIER = "carrier"
    SOURCE = "source"
    CLOCK = "clock"


class Kind(StrEnum):
    """What a message is about; the key of `rename`, `enable` and `mute`."""

    ANNOUNCED = "announced"
    DISPATCHED = "dispatched"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    CANCELLED = "cancelled"
    ADDRESS_PROBLEM = "address_problem"
    DELAYED = "delayed"
    DAMAGED = "damaged"
    CUSTOMS = "customs"
    REFUSED = "refused"
    PROBLEM = "problem"
    ESTIMATE_CHANGED = "estimate_changed"
    RETURN_REQUESTED = "return_requested"
    RETURN_APPROVED = "return_approved"
    RETURN_DECLINED = "return_declined"
    RETURN_LABEL_CREATED = "return_label_created"
    RETURN_IN_TRANSIT = "return_in_transit"
    RETURN_ARRIVED = "return_arrived"
    RETURN_REFUNDED = "return_refunded"
    ORDER_DISPATCHED = "order_dispatched"
    ORDER_DELIVERED = "order_delivered"
    REVIEW_REQUEST = "review_request"
    PICKUP_REMINDER = "pickup_reminder"


LAST_MILE = frozenset({Status.OUT_FOR_DELIVERY, Status.DELIVERY_FAILED, Status.READY_FOR_PICKUP})
ENDS = frozenset({Status.CANCELLED, Status.LOST})  # yield to any later physical scan
FINAL = ENDS | {Status.DELIVERED, Status.RETURNED}
