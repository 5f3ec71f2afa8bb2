"""One plain sentence a kind, for mails that want to print it: English and German.

A carrier's own words never go to a customer: they may name people, and they change.
"""

from __future__ import annotations

from tracker_sync.model import Kind

_EN = {
    Kind.ANNOUNCED: "The shipping label has been created.",
    Kind.DISPATCHED: "Your parcel has left our warehouse.",
    Kind.IN_TRANSIT: "Your parcel is on its way.",
    Kind.OUT_FOR_DELIVERY: "Your parcel is out for delivery today.",
    Kind.DELIVERY_FAILED: "Your parcel could not be delivered.",
    Kind.READY_FOR_PICKUP: "Your parcel is ready for pickup.",
    Kind.DELIVERED: "Your parcel has been delivered.",
    Kind.RETURNING: "Your parcel is on its way back to us.",
    Kind.RETURNED: "Your parcel is back with us.",
    Kind.LOST: "Your parcel seems to be lost.",
    Kind.CANCELLED: "The shipment was cancelled.",
    Kind.ADDRESS_PROBLEM: "The delivery address needs a correction.",
    Kind.DELAYED: "Your parcel is delayed.",
    Kind.DAMAGED: "Your parcel was damaged on the way.",
    Kind.CUSTOMS: "Your parcel is held at customs.",
    Kind.REFUSED: "Your parcel was refused.",
    Kind.PROBLEM: "There is a problem with your parcel.",
    Kind.ESTIMATE_CHANGED: "The expected delivery day has changed.",
    Kind.RETURN_REQUESTED: "We received your return request.",
    Kind.RETURN_APPROVED: "Your return has been approved.",
    Kind.RETURN_DECLINED: "Your return has been declined.",
    Kind.RETURN_LABEL_CREATED: "Your return label is ready.",
    Kind.RETURN_IN_TRANSIT: "Your return is on its way to us.",
    Kind.RETURN_ARRIVED: "Your return has arrived.",
    Kind.RETURN_REFUNDED: "Your refund is on its way.",
    Kind.ORDER_DISPATCHED: "The first parcel of your order is on its way.",
    Kind.ORDER_DELIVERED: "All parcels of your order have been delivered.",
    Kind.REVIEW_REQUEST: "How do you like your order?",
    Kind.PICKUP_REMINDER: "Your parcel is still waiting for you.",
}
_DE = {
    Kind.ANNOUNCED: "Das Versandetikett wurde erstellt.",
    Kind.DISPATCHED: "Das Paket hat unser Lager verlassen.",
    Kind.IN_TRANSIT: "Das Paket ist unterwegs.",
    Kind.OUT_FOR_DELIVERY: "Das Paket wird heute zugestellt.",
    Kind.DELIVERY_FAILED: "Das Paket konnte nicht zugestellt werden.",
    Kind.READY_FOR_PICKUP: "Das Paket liegt zur Abholung bereit.",
    Kind.DELIVERED: "Das Paket wurde zugestellt.",
    Kind.RETURNING: "Das Paket ist auf dem Weg zurück zu uns.",
    Kind.RETURNED: "Das Paket ist wieder bei uns.",
    Kind.LOST: "Das Paket ist vermutlich verloren gegangen.",
    Kind.CANCELLED: "Die Sendung wurde storniert.",
    Kind.ADDRESS_PROBLEM: "Die Lieferadresse muss korrigiert werden.",
    Kind.DELAYED: "Das Paket verspätet sich.",
    Kind.DAMAGED: "Das Paket wurde unterwegs beschädigt.",
    Kind.CUSTOMS: "Das Paket liegt beim Zoll.",
    Kind.REFUSED: "Die Annahme des Pakets wurde verweigert.",
    Kind.PROBLEM: "Es gibt ein Problem mit dem Paket.",
    Kind.ESTIMATE_CHANGED: "Der voraussichtliche Liefertag hat sich geändert.",
    Kind.RETURN_REQUESTED: "Der Rückgabewunsch ist bei uns eingegangen.",
    Kind.RETURN_APPROVED: "Die Rückgabe wurde genehmigt.",
    Kind.RETURN_DECLINED: "Die Rückgabe wurde abgelehnt.",
    Kind.RETURN_LABEL_CREATED: "Das Rücksendeetikett ist fertig.",
    Kind.RETURN_IN_TRANSIT: "Die Rücksendung ist unterwegs zu uns.",
    Kind.RETURN_ARRIVED: "Die Rücksendung ist angekommen.",
    Kind.RETURN_REFUNDED: "Die Erstattung ist unterwegs.",
    Kind.ORDER_DISPATCHED: "Das erste Paket der Bestellung ist unterwegs.",
    Kind.ORDER_DELIVERED: "Alle Pakete der Bestellung wurden zugestellt.",
    Kind.REVIEW_REQUEST: "Wie gefällt die Bestellung?",
    Kind.PICKUP_REMINDER: "Das Paket wartet noch auf die Abholung.",
}


def status_text(kind: Kind | None, language: str) -> str:
    """The sentence for *kind*; English where the language is not one of ours."""
    table = _DE if language.lower().startswith("de") else _EN
    return table.get(kind, "") if kind else ""
