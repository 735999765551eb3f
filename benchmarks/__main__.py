"""``make bench``: every benchmark in turn, or those that are named: ``make bench ARGS=ingest``."""

from __future__ import annotations

import importlib
import sys

# accuracy.py trains 48 models: it is run by itself, python -m benchmarks.accuracy --data DIR.
BENCHMARKS = ("ingest", "augment", "spec_augment", "training_input")


def main() -> int:
    """Run the benchmarks that the arguments name, all of them without arguments."""
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or list(BENCHMARKS)
    flags = [name for name in sys.argv[1:] if name.startswith("-")]
    unknown = set(wanted) - set(BENCHMARKS)
    if unknown:
        print(f"bench: unknown {sorted(unknown)}; there are {BENCHMARKS}", file=sys.stderr)
        return 2
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        sys.argv = [name, *flags]
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
