"""`EditBody`: a job's body as a text, here or in the user's editor, and the difference before it is put.

Nothing is sent until the difference is confirmed; values that are hidden stay as they are.
"""

from __future__ import annotations

from typing import ClassVar, cast

from textual import on, work
from textual.app import ComposeResult, SuspendNotSupported
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea
from textual.worker import Worker, WorkerState

from beanops.jobs.bodies.edits import EditRefused, differences, from_pretty, pretty
from beanops.jobs.identity import JobRef
from beanops.jobs.read import FoundJob
from beanops.protocol.errors import BeanopsError
from beanops.session.editing.by_hand import job_to_edit
from beanops.text import plural, safe_text
from beanops.tui import keys
from beanops.tui.actions.outcome import fault
from beanops.tui.actions.request import Request
from beanops.tui.bodies.forms import Body
from beanops.tui.dialogs.confirm import Confirm
from beanops.tui.host import Host
from beanops.tui.widgets.body import BodyView
from beanops.ui.confirmation import Confirmation

#: Characters that the pane takes: a key press in a longer text would take too long.
PANE = 100_000
#: Lines of a difference that are shown.
LINES = 2000


class JobRead(Message):
    """The job was read as a text, or cannot be edited."""

    def __init__(self, job: FoundJob | None, text: str, refusal: str = "") -> None:
        super().__init__()
        self.job = job
        self.text = text
        self.refusal = refusal


class EditChecked(Message):
    """The text was read as a body, None if it is the same; or it is none, and why."""

    def __init__(self, new: bytes | None, lines: list[str], problem: str = "") -> None:
        super().__init__()
        self.new = new
        self.lines = lines
        self.problem = problem


class ConfirmEdit(Confirm):
    """Confirms an edit with its difference.

    Parameters
    ----------
    request : Request
        The edit.
    needed : Confirmation
        What has to be confirmed, and how.
    lines : list of str
        The difference.
    """

    def __init__(self, request: Request, needed: Confirmation, lines: list[str]) -> None:
        super().__init__(request, needed)
        more = [f"… {plural(len(lines) - LINES, 'line')} more"] if len(lines) > LINES else []
        self._difference = Body(b"", "difference", "\n".join([*lines[:LINES], *more]), "diff")

    def sample(self) -> ComposeResult:
        """Yield the difference."""
        yield BodyView(id="difference")

    def on_mount(self) -> None:
        """Show the difference."""
        view = self.query_one("#difference", BodyView)
        view.styles.height = min(self.app.size.height - 14, self._difference.text.count("\n") + 3)
        view.show(self._difference)


class EditBody(ModalScreen[Request | None]):
    """Edits the body of one job; its result is the confirmed request.

    Parameters
    ----------
    request : Request
        The edit, with the job.
    needed : Confirmation
        What has to be confirmed, and how.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.EDIT]

    def __init__(self, request: Request, needed: Confirmation) -> None:
        super().__init__()
        self._request = request
        self._needed = needed
        self._job: FoundJob | None = None
        # What is edited, and whether it is too long for the pane.
        self._before = self._text = ""
        self._long = False
        self._sure = False

    @property
    def host(self) -> Host:
        """The app."""
        return cast("Host", self.app)

    def compose(self) -> ComposeResult:
        """Lay out the title, the text and the keys."""
        with Vertical(id="dialog", classes="-drafting"):
            yield Static(Content(f"Edit {self._request.jobs}"), id="question")
            yield TextArea(id="text", soft_wrap=True, compact=True, theme="css", disabled=True)
            yield Static("", id="note", markup=False)
            yield Static("", id="hint", markup=False)

    def on_mount(self) -> None:
        """Read the job."""
        self._hint("reading the job")
        self._read()

    # -- read ----------------------------------------------------------------------------------------------------------

    @work(thread=True, exit_on_error=False, group="edit")
    def _read(self) -> None:
        request, session = self._request, self._request.session
        ref = JobRef(request.ids[0], request.instance or None, request.tubes[0] if request.tubes else None)
        patterns = session._context.redact
        try:
            job = job_to_edit(session._executor, ref)
            text = pretty(job.body or b"", patterns)
            from_pretty(job.body or b"", text, patterns)  # a body that no text can become is refused at once
        except (BeanopsError, EditRefused) as error:
            self.post_message(JobRead(None, "", str(error)))
        else:
            self.post_message(JobRead(job, text))

    @on(JobRead)
    def _was_read(self, read: JobRead) -> None:
        self._job, self._before, self._text = read.job, read.text, read.text
        self._long = len(read.text) > PANE
        if read.job is None or (self._long and not self._has_editor):
            why = read.refusal or f"the body has {plural(len(read.text), 'character')}, too many to edit here"
            self._refuse(why)
            return
        area = self.query_one(TextArea)
        if self._long:
            size = plural(len(read.text), "character")
            self.query_one("#note", Static).update(
                Content(f"{size}: too long for this pane, {self._key('editor')} opens your editor.")
            )
            area.display = False
        else:
            area.load_text(read.text)
            area.disabled = False
            area.focus()
            if self.host.session._context.redact and "[redacted]" in read.text:
                self.query_one("#note", Static).update(Content("What is [redacted] stays as it is."))
        self._hint()

    def _refuse(self, why: str) -> None:
        self.host.say(safe_text(f"edit: {why}"), False)
        self.dismiss(None)

    @on(Worker.StateChanged)
    def _worker_changed(self, changed: Worker.StateChanged) -> None:
        if changed.state is WorkerState.ERROR:
            self.host.status = fault(changed.worker.error)
            self.dismiss(None)

    @property
    def _has_editor(self) -> bool:
        """Whether there is an editor of the user: a visitor of a page has none."""
        return not self.host.is_web

    def _key(self, name: str) -> str:
        return self.host.key_of(f"edit.{name}")

    def _hint(self, text: str = "") -> None:
        editor = f"{self._key('editor')} opens $EDITOR, " if self._has_editor else ""
        usual = f"{self._key('difference')} shows the difference, {editor}{self._key('cancel')} cancels"
        self.query_one("#hint", Static).update(Content(safe_text(text) if text else usual))

    # -- edit ----------------------------------------------------------------------------------------------------------

    @on(TextArea.Changed)
    def _typed(self, changed: TextArea.Changed) -> None:
        if changed.text_area.has_focus:
            self._text, self._sure = changed.text_area.text, False
            self._hint()

    def action_go_on(self) -> None:
        """Show the difference."""
        if self._job is not None:
            self._check(self._job.body or b"", self._text)

    def action_editor(self) -> None:
        """Edit the text in the user's editor, while the dashboard is suspended."""
        if self._job is None:
            return
        if not self._has_editor:
            self._hint("a browser has no $EDITOR: edit the text here")
            return
        import click  # only here

        try:
            with self.app.suspend():
                # Bytes, so that a text that is not UTF-8 can be reported.
                suffix = ".json" if self._text.startswith(("{", "[")) else ".txt"
                saved = click.edit(self._text.encode(), extension=suffix)
        except SuspendNotSupported:
            self._hint("this terminal cannot be suspended: edit the text here")
            return
        except click.ClickException as error:
            self._hint(error.message)
            return
        if saved is None:
            self._hint("your editor saved nothing")
            return
        try:
            self._text = saved.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._hint(f"the text is not UTF-8, at byte {error.start + 1}")
            return
        if not self._long:
            self.query_one(TextArea).load_text(self._text)
        self.action_go_on()

    @work(thread=True, exit_on_error=False, exclusive=True, group="edit")
    def _check(self, body: bytes, text: str) -> None:
        patterns = self._request.session._context.redact
        try:
            new = body if text == self._before else from_pretty(body, text, patterns)
        except (BeanopsError, EditRefused) as error:
            self.post_message(EditChecked(None, [], str(error)))
            return
        self.post_message(EditChecked(None if new == body else new, differences(body, new, patterns)))

    @on(EditChecked)
    def _checked(self, checked: EditChecked) -> None:
        if checked.problem:
            self._hint(checked.problem)
        elif checked.new is None:
            self._hint(f"nothing changed; {self._key('cancel')} closes")
        else:
            request = self._request._replace(answers={"job": self._job, "new": checked.new})

            def answered(yes: bool | None) -> None:
                if yes:
                    self.dismiss(request)
                else:
                    self._hint(
                        f"not put; {self._key('difference')} shows the difference again, {self._key('cancel')} cancels"
                    )

            self.app.push_screen(ConfirmEdit(request, self._needed, checked.lines), answered)

    def action_cancel(self) -> None:
        """Cancel; a changed text only by a second key press."""
        if self._text != self._before and not self._sure:
            self._sure = True
            self._hint(f"{self._key('cancel')} again discards your changes")
        else:
            self.dismiss(None)
