"""A progress bar for a notebook."""

import io
from typing import Any

from rich.console import Console
from rich.progress import Progress, TaskID

_WIDTH = 100  # characters of a line
_BRIEF = 0.5  # seconds: between two states of the bar, and before the first


class NotebookBar(Progress):
    """A bar as one output of a notebook's cell, which replaces its text.

    A terminal's bar moves the cursor, and a notebook would keep the codes that do it; rich's own
    form for notebooks needs ipywidgets. A task of less than `_BRIEF` seconds shows no bar.
    """

    _handle: Any = None  # of the output
    _at = 0.0  # when it was shown last, or the bar was started

    def start(self) -> None:
        self._at = self.get_time()

    def update(self, task_id: TaskID, **values: Any) -> None:
        super().update(task_id, **values)
        if not self.disable and self.get_time() - self._at >= _BRIEF:
            self._show()

    def stop(self) -> None:
        if self._handle:
            self._show()

    def _show(self) -> None:
        from IPython.display import display  # only a notebook has it

        text = io.StringIO()
        Console(file=text, width=_WIDTH, force_jupyter=False, no_color=True).print(self)
        shown = {"text/plain": text.getvalue().rstrip()}
        if self._handle:
            self._handle.update(shown, raw=True)
        else:
            self._handle = display(shown, raw=True, display_id=True)
        self._at = self.get_time()
