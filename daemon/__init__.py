"""Processes, time and the outside world: command line, session, pool, watcher, console."""
