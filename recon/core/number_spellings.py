"""Countries in which one WhatsApp user may be spelled with two numbers.

WhatsApp identifies users by number. For old accounts it keeps the spelling that the number had when
they registered. So a user of these countries may have two spellings, and one represents both:

- *Brazil.* From 2012 to 2016 each mobile number got a 9 in front (ANATEL, Resolução 553/2010):
  `55 DD XXXX-XXXX` became `55 DD 9XXXX-XXXX`. By libphonenumber's metadata, eight digits that
  begin with 2 to 5 are a fixed line, and with 6 to 9 an old mobile. So the 9 is dropped only if 6
  to 9 follows it: `9 4123-4567` was given out after the change, and `4123-4567` is a fixed line of
  somebody else. (Trunked radio on 7 did not get the 9; its networks were shut down in 2018.)
- *Mexico.* Until August 2019 mobiles were called with a 1 behind the country code from abroad, and
  with 044 or 045 at home; 01 was the trunk prefix. IFT's numbering plan removed all of them: a
  number is now 52 and ten digits. WhatsApp still reports `52 1 …` for many.
- *Argentina.* A mobile is `54 9`, area code, subscriber from abroad, and `0`, area code, `15`,
  subscriber at home; the 9 and the 15 only say that the called party is a mobile (ENACOM's
  numbering plan: area code and subscriber are ten digits and given out once, to a fixed or
  a mobile line). Both marks are dropped.
- *Côte d'Ivoire.* On 31 January 2021 numbers grew from eight to ten digits (ARTCI, Plan National
  de Numérotation à 10 chiffres): each got the prefix of its operator, 01 (Moov), 05 (MTN) or 07
  (Orange) for a mobile, 21, 25 or 27 for a fixed line. The second digit of an old mobile number
  shows its operator: 0 to 3 Moov, 4 to 6 MTN, 7 to 9 Orange. So the prefix is dropped only if it
  is that of this operator: other combinations were given out after the change. Old fixed lines
  began with 2 or 3.
- *Benin.* On 30 November 2024 numbers grew from eight to ten digits: all got 01 in front (ARCEP
  Bénin, nouveau plan national de numérotation). The 01 is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: All spellings that have a shorter one have thirteen digits or more: most numbers are shorter.
_LEAST_DOUBLE: Final = 10**12

#: Marks to drop before ten national digits: (spelled, kept, least first digit of the ten).
_MARKS: Final = (
    (521, 52, 2),
    (5201, 52, 2),
    (52044, 52, 2),
    (52045, 52, 2),
    (549, 54, 1),
)

#: From the least Brazilian number with an area code and a ninth digit to the end of Brazil's.
_BRAZIL: Final = (55_11_9_0000_0000, 56_00_0_0000_0000)
#: The least nine digits that an old Brazilian mobile has become.
_OLD_MOBILE: Final = 9_6000_0000

_EIGHT: Final = 10**8
_BENIN: Final = 229
_IVORY_COAST: Final = 225
#: The prefix of a mobile number of Côte d'Ivoire, by the second digit of the eight behind it.
_MOBILE_PREFIX: Final = np.array([1, 1, 1, 1, 5, 5, 5, 7, 7, 7])
_FIXED_PREFIXES: Final = (21, 25, 27)
#: First digits of an old fixed line there.
_FIXED: Final = (2, 3)

#: The countries whose numbers lost no digit when they are dialled with eight: the calling code of
#: each, by region. A number of this length is no longer in any metadata.
EIGHT_DIGITS: Final = {"CI": _IVORY_COAST, "BJ": _BENIN}


def one_per_user(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Replace the two spellings of one user by one; all other numbers stay as they are.

    Args:
        numbers: E.164 digits as whole numbers; negative for none. Without a spelling that could be
            replaced, they are returned themselves.
    """
    long = np.flatnonzero(numbers >= _LEAST_DOUBLE)
    if not long.size:
        return numbers
    user = numbers[long]
    for spelled, kept, least in _MARKS:
        low, high = spelled * 10**10 + least * 10**9, (spelled + 1) * 10**10
        user[(user >= low) & (user < high)] -= (spelled - kept) * 10**10
    brazil = np.flatnonzero((user >= _BRAZIL[0]) & (user < _BRAZIL[1]))
    old_mobile = brazil[user[brazil] % 10**9 >= _OLD_MOBILE]
    user[old_mobile] = user[old_mobile] // 10**9 * 10**8 + user[old_mobile] % 10**8
    _drop_new_prefixes(user)
    found = numbers.copy()
    found[long] = user
    return found


def _drop_new_prefixes(user: NDArray[np.int64]) -> None:
    """Take the prefixes of 2021 and 2024 off the numbers of Côte d'Ivoire and Benin."""
    for code in (_IVORY_COAST, _BENIN):
        low = code * 10**10
        ours = np.flatnonzero((user >= low) & (user < low + 10**10))
        if not ours.size:
            continue
        prefix, old = (user[ours] - low) // _EIGHT, user[ours] % _EIGHT
        if code == _BENIN:
            grown = prefix == 1
        else:
            fixed = np.isin(old // 10**7, _FIXED)
            mobile = prefix == _MOBILE_PREFIX[old // 10**6 % 10]
            grown = np.where(fixed, np.isin(prefix, _FIXED_PREFIXES), mobile)
        user[ours[grown]] = code * _EIGHT + old[grown]
