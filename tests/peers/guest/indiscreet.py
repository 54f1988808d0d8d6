"""`python -m tests.peers.guest.indiscreet`: mainmode, but its log tells each g^xy it agrees on.

For recordings, whose keys nobody will use again: pluto does not show its own.
"""

import sys
from unittest.mock import patch

from mainmode.cli.main import main
from mainmode.crypto.dh import KeyPair

agree = KeyPair.agree


def agree_aloud(pair: KeyPair, peer_public: bytes) -> bytes:
    g_xy = agree(pair, peer_public)
    print(f"g^xy {g_xy.hex()}", file=sys.stderr, flush=True)
    return g_xy


with patch.object(KeyPair, "agree", agree_aloud):
    main(prog_name="mainmode")
