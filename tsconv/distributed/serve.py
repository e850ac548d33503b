"""What a rank other than 0 does in a process of its own: serve, and end without a word."""

from __future__ import annotations

import sys
import traceback

from tsconv.distributed.ranks import RankLost, Ranks
from tsconv.errors import TsconvError


def serve_quietly(ranks: Ranks) -> int:
    """Serve rank 0 until it is done; return the exit code. Rank 0 says what went wrong.

    Only where rank 0 is gone does the lowest of the others say so, on standard error; and a fault
    of the program is printed where it happened.
    """
    try:
        ranks.serve()
        return 0
    except RankLost as error:
        if ranks.reports:
            print(f"tsconv: {error}", file=sys.stderr, flush=True)
        return 1
    except TsconvError:
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        ranks.close()
