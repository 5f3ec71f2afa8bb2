"""When to ask about a parcel next. Pure: what is known and the time come in, a moment goes out.

Every answer of a carrier carries the times of all scans, so we learn when news comes: for each
carrier, status, weekday, hour and last scan, how long it took. A parcel is asked again as soon
as the lateness that has probably piled up since the last look is worth a call; so a van is
looked at often on a delivery morning and a hub is left alone at night. What a call is worth is
one price for a carrier and a day: low while calls are plenty, and where they are few so high
that they last until the evening. A new shop starts with what other carriers taught us, trusts
its own parcels more with every one, and slowly forgets old habits. The carrier's own rules,
five minutes at least and two days at most hold whatever was learned, and a number that is
unknown, silent or failing is asked ever more rarely.
"""

from tracker_sync.polling.estimate import estimate
from tracker_sync.polling.habits import Habits
from tracker_sync.polling.look import Look, word
from tracker_sync.polling.pace import calls_a_parcel, next_look
from tracker_sync.polling.plan import LEAST, plan, value
from tracker_sync.polling.price import CHEAPEST, Needs, Price

__all__ = [
    "CHEAPEST",
    "LEAST",
    "Habits",
    "Look",
    "Needs",
    "Price",
    "calls_a_parcel",
    "estimate",
    "next_look",
    "plan",
    "value",
    "word",
]
