"""The workers of a run: started when there is something to do, told of what changes, done without where none live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blogd.daemon.events import WorkerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from blogd.daemon import wire
    from blogd.daemon.crew import Crew
    from blogd.daemon.events import WorkerStatus
    from blogd.daemon.project import Project
    from blogd.daemon.reporter import Reporter
    from blogd.daemon.worker import Setup
    from blogd.render.site import Site

MANY: Final = 1_000  # posts, which a new worker has sooner than it is told of them


class Staff:
    """The crew of one site; `snapshot` gives what a new worker is told first, asked whether it has the site already."""

    def __init__(
        self, project: Project, reporter: Reporter, site: Site, snapshot: Callable[[bool], wire.Update]
    ) -> None:
        self._project = project
        self._reporter = reporter
        self._site = site
        self._snapshot = snapshot
        self._crew: Crew | None = None
        self._shown: dict[int, WorkerStatus] = {}

    def crew(self) -> Crew:
        """Give the workers, and start them if there are none."""
        if self._crew is None:
            self._crew = self._pool() if self._project.workers else self._alone()
        return self._crew

    def go_on_alone(self) -> None:
        """Do in this process what workers would."""
        self._crew = self._alone()

    def _pool(self) -> Crew:
        from blogd.daemon.pool import Pool  # noqa: PLC0415 - brings all that renders, which a run may not need

        return Pool(self._project.workers, self._setup(), self._site, self._snapshot)

    def _alone(self) -> Crew:
        from blogd.daemon.in_process import InProcess  # noqa: PLC0415 - as the pool

        return InProcess(self._setup(), self._snapshot)

    def _setup(self) -> Setup:
        from blogd.daemon.worker import Setup  # noqa: PLC0415 - as the pool

        project = self._project
        return Setup(str(project.root), str(project.out), str(project.bodies), str(project.code), project.pid)

    def update(self, update: wire.Update, *, is_idle: bool) -> list[int]:
        """Tell the workers of a change of the site, and give those that have been dismissed.

        Idle ones are, if to tell them would take long: new ones have the site from the start.
        """
        crew = self._crew
        if crew is None:
            return []
        if len(update.delta.entries) < MANY or not is_idle or not crew.starts_with_site:
            crew.update(update)
            return []
        dismissed = list(crew.under_way())
        self.close()
        return dismissed

    def show(self) -> None:
        """Report which workers have begun or ceased to work."""
        for worker, number in self.crew().under_way().items():
            self._show(worker, "busy" if number else "idle")

    def show_restart(self, worker: int) -> None:
        """Report that a worker has died and another takes its place."""
        self._show(worker, "restarting")

    def _show(self, worker: int, status: WorkerStatus) -> None:
        if self._shown.get(worker) != status:
            self._shown[worker] = status
            self._reporter.emit(WorkerState(worker=worker, status=status))

    def close(self) -> None:
        """End the workers."""
        if self._crew is not None:
            self._crew.close()
            self._crew = None
