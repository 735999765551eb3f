"""Beam's worker pool on one address; Beam's own command takes a port on every address.

    python scripts/clusters/worker_pool.py 127.0.0.2:50000

Flink's TaskManagers and Spark's executors number their workers alike, so each needs a pool of its
own. On one machine the pools listen on the same port of different loopback addresses.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from apache_beam.portability.api import beam_fn_api_pb2_grpc
from apache_beam.runners.worker.worker_pool_main import (
    BeamFnExternalWorkerPoolServicer,
    kill_process_gracefully,
)


def main() -> int:
    """Serve until interrupted or terminated, then end the workers."""
    pool = BeamFnExternalWorkerPoolServicer(use_process=True, data_buffer_time_limit_ms=-1)
    server = grpc.server(ThreadPoolExecutor(8))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.add_insecure_port(sys.argv[1])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server.start()
    with contextlib.suppress(KeyboardInterrupt):
        server.wait_for_termination()
    server.stop(0)
    for worker in pool._worker_processes.values():
        kill_process_gracefully(worker)
    return 0


if __name__ == "__main__":
    sys.exit(main())
