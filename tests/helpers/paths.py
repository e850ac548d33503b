"""Where the repository and the real data lie."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Real data that are not in the repository: folders ett/, beijing_air/ and tourism/.
REAL_DATA = Path(os.environ.get("TSCONV_DATA", ROOT.parent / "shared" / "data"))
