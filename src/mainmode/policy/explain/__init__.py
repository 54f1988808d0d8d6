"""What policy does with a packet, and why: for people, before or after it is in force.

Every answer comes from `policy.selection` and `policy.offers`, which the driver and the engine ask
too; here it is put into words. Nothing here is on a packet's way.

    answer     what is said of one packet, all together
    reasons    which filter decides, and why each other one does not
    negotiation  what would be offered, and who may prove what
    clear      what may pass without protection
    text, values   as text, and as JSON

Does not: know this computer; its addresses come in with the selection.
"""

from mainmode.policy.explain.answer import Explanation, explain

__all__ = ["Explanation", "explain"]
