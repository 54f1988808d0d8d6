"""What the peer hears when a quick mode ends here without a pair."""

from mainmode.auth.authenticator import Role
from mainmode.engine import informational
from mainmode.engine.quick_mode import QuickMode
from mainmode.failures import Failure
from mainmode.numbers import NotifyType
from mainmode.policy.offers import fit_alternatives
from mainmode.wire.payloads import Payload


def explanation(
    qm: QuickMode, failure: Failure, *, octets_max: int, peer_knows_our_spi: bool
) -> Payload | None:
    """Why, with what we would have taken; or, where no notification says why and the peer knows our
    SPI, that this is gone. None: there is nothing that it would have to know.

    octets_max: what it sent, for no refusal is longer.
    """
    if failure.reason.notify is None and peer_knows_our_spi:
        return informational.delete_spi(qm.protocol, qm.spi)
    if not peer_knows_our_spi and qm.role is Role.INITIATOR:
        return None
    notify = failure.reason.notify or NotifyType.NO_PROPOSAL_CHOSEN
    room = informational.room_for_data(qm.sa, octets_max)
    data = fit_alternatives(failure.alternatives, room)
    return informational.refusal(notify, qm.protocol, qm.peer_spi, data)
