"""What changes, and for which traffic, when one policy takes the place of another.

Not line against line: both policies are asked what they do, and the traffic is told where the two
answers differ.

    outcome    what policy does with some traffic, as far as a person cares
    space      traffic as a space: what two selectors share, a packet that none of some takes
    regions    such traffic, without exceptions in it
    zones      where to look
    survey     one part of a zone, looked through
    changes    the traffic whose outcome differs
    words      that traffic as people name it: `tcp between me and 10.0.0.0/8:80`
    general    what differs whatever the traffic
    text, values   as text, and as JSON

Talks to: `policy.selection`, which decides; every outcome told here is its answer to a packet.
"""

from mainmode.policy.difference.changes import Change, changes
from mainmode.policy.difference.regions import Region
from mainmode.policy.difference.zones import Zone

__all__ = ["Change", "Region", "Zone", "changes"]
