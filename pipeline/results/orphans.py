"""What a run that was killed leaves behind: found and cleared by the next run on the same root.

TFX registers an execution before it runs and makes the folders of its outputs; a run that is
killed in between leaves both. Whoever holds the root's lock knows that nothing of it is running.
"""

import shutil
from pathlib import Path

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd


def clear_orphans(root: str, database: str) -> list[int]:
    """Mark what a killed run left running as failed, remove its outputs, return execution ids."""
    if not Path(database).is_file():
        return []
    connection = mlmd.ConnectionConfig()
    connection.sqlite.filename_uri = database
    store = metadata_store.MetadataStore(connection)
    orphans = [e for e in store.get_executions() if e.last_known_state == mlmd.Execution.RUNNING]
    for execution in orphans:
        execution.last_known_state = mlmd.Execution.FAILED
        # <component>/<output>/<id>, and TFX's own <component>/.system/executor_execution/<id>
        for pattern in (f"*/*/{execution.id}", f"*/.system/executor_execution/{execution.id}"):
            for folder in Path(root, "artifacts").glob(pattern):
                shutil.rmtree(folder, ignore_errors=True)
    if orphans:
        store.put_executions(orphans)
    return sorted(execution.id for execution in orphans)
