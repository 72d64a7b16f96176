"""`BodyActions`: what screens with a job's body do with it: other forms, decoders, the clipboard, a file."""

from __future__ import annotations

from beanops.text import plural
from beanops.tui.actions.request import Field
from beanops.tui.dialogs.form import Answers, Form
from beanops.tui.download import save
from beanops.tui.screens.base import FullScreen
from beanops.tui.widgets.job_body import JobBody

#: Maximum characters to copy: terminals drop longer texts.
COPIED = 65_536


class BodyActions(FullScreen):
    """A screen with a `JobBody`."""

    @property
    def body_of(self) -> int | None:
        """The id of the job whose body is shown."""
        return None

    def form_changed(self) -> None:
        """Follow another form of the body."""

    def action_show_as(self, form: str) -> None:
        """Show the body in another form."""
        self.query_one(JobBody).show_as(form)
        self.form_changed()

    def action_decoder(self) -> None:
        """Show the body as the next decoder reads it."""
        self.query_one(JobBody).next_decoder()
        self.form_changed()

    def action_yank(self) -> None:
        """Copy the shown body to the clipboard of the terminal."""
        shown = self.query_one(JobBody).shown
        if shown is None:
            self.host.say("no body to copy", False)
            return
        text = shown.text[:COPIED]
        self.app.copy_to_clipboard(text)
        self.host.say(f"copied {plural(len(text), 'character')}, if your terminal supports it")

    def action_save(self) -> None:
        """Save the redacted body: ask for a file, or send it to the browser."""
        body = self.query_one(JobBody).body
        if body is None:
            self.host.say("no body to save", False)
            return
        raw = body.raw
        suffix = ("json" if body.form == "json" else "txt") if raw.isascii() else "bin"
        name = f"job-{self.body_of}.{suffix}"
        if self.app.is_web:
            save(self.host, name, raw)
            return

        def answered(answers: Answers | None) -> None:
            if answers is not None:
                save(self.host, answers["path"], raw)

        field = Field("path", "File", name, "path")
        title = f"Save the body of job {self.body_of}, {plural(len(raw), 'byte')}"
        self.app.push_screen(Form(title, (field,)), answered)
