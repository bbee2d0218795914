from multiprocessing.context import SpawnContext
from multiprocessing.process import parent_process as parent_process

def get_context(method: str | None = None) -> SpawnContext: ...
