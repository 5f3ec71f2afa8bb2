"""Check digits, house by house: each says whether the last digit fits the rest.

A check is no proof. Of numbers that some other house gave, it still lets through one in seven
(modulus 7), in ten (10, and 11 cut to a digit), in eleven (11) or in 36 (mod 37,36).
"""

from __future__ import annotations

from collections.abc import Sequence

_S10 = (8, 6, 4, 2, 3, 5, 9, 7)
_S10_AWAY = {10: 0, 11: 5}  # remainders for which the rule gives no digit
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def gs1(digits: str) -> bool:
    """Modulus 10, weights 3 and 1 from the right: GS1, USPS, FedEx Ground, Canada Post."""
    return _weighted(digits[::-1], (1, 3)) % 10 == 0


def gs1_after_a_zip(digits: str) -> bool:
    """USPS's own digits hold; 420 and the five of the ZIP are the address."""
    return gs1(digits[8:])


def gs1_of_a_postal_short_form(digits: str) -> bool:
    """USPS prints 20 digits of 22: as they are, or without the leading 91 that is checked too."""
    return gs1(digits) or gs1(f"91{digits}")


def gs1_of_fedex_economy(digits: str) -> bool:
    """The 20 digits of Ground Economy hold with the postal 92 before them only."""
    return gs1(f"92{digits}")


def gs1_of_the_last_fifteen(digits: str) -> bool:
    """FedEx Ground checks its 15 digits, not what the label puts before them."""
    return gs1(digits[-15:])


def gs1_of_the_last_sixteen(digits: str) -> bool:
    """FedEx leaves the two digits for the kind of container out of its SSCC-18."""
    return gs1(digits[-16:])


def identcode(digits: str) -> bool:
    """DHL's identcode: weights 4 and 9, modulus 10."""
    return (_weighted(digits[:-1], (4, 9)) + int(digits[-1])) % 10 == 0


def mod7(digits: str) -> bool:
    """A waybill of DHL Express: the remainder by 7 of what stands before."""
    return int(digits[:-1]) % 7 == int(digits[-1])


def fedex_express(digits: str) -> bool:
    """Twelve digits of FedEx: weights 3, 1, 7, modulus 11, a remainder of 10 counts as 0."""
    return _weighted(digits[:-1], (3, 1, 7)) % 11 % 10 == int(digits[-1])


def fedex_express_inside(digits: str) -> bool:
    """The legacy label of 32 digits holds a number of twelve, and its check is the only one."""
    return fedex_express(digits[16:28])


def fedex_label(digits: str) -> bool:
    """The last 14 of FedEx's 34 digits: weights 1, 7, 3, else like `fedex_express`."""
    return _weighted(digits[-14:-1], (1, 7, 3)) % 11 % 10 == int(digits[-1])


def ups(number: str) -> bool:
    """UPS after `1Z` or a waybill's letter: letters count as digits, every second one twice."""
    body = number[2:] if number.startswith("1Z") else number[1:]
    digits = "".join(c if c.isdigit() else str((ord(c) - 3) % 10) for c in body)
    total = _weighted(digits[:-1], (1, 2)) + int(digits[-1])
    return number[-1].isdigit() and total % 10 == 0


def s10(number: str) -> bool:
    """The UPU's rule for two letters, nine digits, two letters."""
    due = 11 - _weighted(number[2:10], _S10) % 11
    return _S10_AWAY.get(due, due) == int(number[10])


def mod37(number: str) -> bool:
    """DPD's check character, digit or letter: ISO 7064, mod 37,36."""
    rest = 36
    for character in number[:-1]:
        rest = (rest + _ALPHABET.index(character)) % 36 or 36
        rest = rest * 2 % 37
    return (rest + _ALPHABET.index(number[-1])) % 36 == 1


def _weighted(digits: str, weights: Sequence[int]) -> int:
    return sum(int(digit) * weights[at % len(weights)] for at, digit in enumerate(digits))
