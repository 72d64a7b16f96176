"""The tubes: what is shown of them, sorting, filtering, and where the cursor stays."""

from __future__ import annotations

from beanops import Client, Session
from tests.tui.conftest import Clock, dashboard, fill


async def test_tubes_are_shown_with_their_counts_and_rates(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"1", b"2", b"3", bury=1)
    fill(client, "later", b"1", delay=60)
    async with dashboard(session, clock, (140, 24)) as desk:
        await desk.command("columns ready reserved delayed buried puts_per_s deletes_per_s watching pause_left")
        assert desk.lines("#tubes")[0].split()[2:6] == ["ready", "buried", "puts/s", "dels/s"]
        assert desk.rows("#tubes")[1:] == [
            ["later", "0", "0", "–", "–", "0", "1", "0"],
            ["mail", "2", "1", "–", "–", "0", "0", "0"],
        ]
        fill(client, "mail", b"4", b"5")
        client.pause_tube("mail", 5 * 3600 + 30)
        await desk.tick(2.0)
        (mail,) = [row for row in desk.rows("#tubes") if row[0] == "mail"]
        assert mail[1] == "4"
        assert mail[3:7] == ["1.0", "0", "0", "0"]
        assert mail[8] == "5h00m"
        assert desk.line("#jobs").split()[:8] == ["ready", "4", "reserved", "0", "delayed", "1", "buried", "1"]
        assert "puts/s 1.0" in desk.line("#jobs")
        assert "beanstalkd 1." in desk.line("#server")


async def test_a_narrow_terminal_leaves_columns_out_and_no_line_is_too_long(
    session: Session, client: Client, clock: Clock
) -> None:
    fill(client, "a-tube-with-a-name-that-is-much-too-long-for-eighty-cells", b"1")
    async with dashboard(session, clock, (80, 24)) as desk:
        header, *rows = desk.lines("#tubes")
        assert " ".join(header.split()) == "tube ▲ why ready buried oldest 5 min"
        assert max(map(len, rows)) <= 80
        assert "…" in rows[0]
        await desk.press("enter")
        assert "a-tube-with-a-name-that-is-much-too-long-for-eighty-cells" in desk.line("#tube")


async def test_the_filter_shows_only_what_matches_and_esc_clears_it(
    session: Session, client: Client, clock: Clock
) -> None:
    for tube in ("mail-in", "mail-out", "sms"):
        fill(client, tube, b"1")
    async with dashboard(session, clock) as desk:
        await desk.press("slash", *"MAIL")
        assert desk.names() == ["mail-in", "mail-out"]
        assert "FILTER MAIL: 2 of 4 tubes" in desk.line("#status")
        await desk.press("enter", "down")
        assert desk.cursor("#tubes").startswith("mail-out")
        await desk.press("escape")
        assert desk.names() == ["default", "mail-in", "mail-out", "sms"]
        assert desk.cursor("#tubes").startswith("mail-out")
        await desk.press("escape", "escape")
        assert desk.app.is_running


async def test_the_cursor_stays_on_its_tube_when_rows_are_sorted_anew(
    session: Session, client: Client, clock: Clock
) -> None:
    for number, tube in enumerate(("one", "two", "three"), 1):
        fill(client, tube, *[b"x"] * number)
    async with dashboard(session, clock) as desk:
        await desk.press("greater_than_sign", "greater_than_sign", "down")
        assert desk.names() == ["three", "two", "one", "default"]
        assert desk.cursor("#tubes").startswith("two")
        fill(client, "one", *[b"x"] * 9)
        await desk.tick(1.0)
        # Nothing slips away right after the cursor moved; the values are new all the same.
        assert desk.names() == ["three", "two", "one", "default"]
        assert "10" in desk.rows("#tubes")[2]
        await desk.tick(5.0)
        assert desk.names() == ["one", "three", "two", "default"]
        assert desk.cursor("#tubes").startswith("two")
        await desk.press("|")
        assert desk.names() == ["default", "two", "three", "one"]
        await desk.press("enter")
        assert "tube two" in desk.line("#tube")


async def test_the_cursor_begins_on_the_first_row_and_stays_with_its_tube(
    session: Session, client: Client, clock: Clock
) -> None:
    for tube in ("aa", "bb"):
        fill(client, tube, b"x")
    async with dashboard(session, clock) as desk:
        await desk.press("greater_than_sign", "greater_than_sign")
        assert desk.cursor("#tubes").startswith("aa")
        fill(client, "bb", b"x")
        await desk.tick()
        assert desk.names() == ["bb", "aa", "default"]
        assert desk.cursor("#tubes").startswith("aa")
        await desk.press("home")
        fill(client, "aa", b"x", b"x")
        await desk.tick(10.0)
        assert desk.names() == ["aa", "bb", "default"]
        assert desk.cursor("#tubes").startswith("bb")


async def test_the_key_after_an_action_means_the_same_tube(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "many", *[b"x"] * 9, bury=9)
    fill(client, "some", *[b"x"] * 5, bury=5)
    async with dashboard(session, clock, (160, 30)) as desk:
        await desk.command("sort buried")
        assert desk.cursor("#tubes").startswith("many")
        await desk.press("K", "enter", "y")
        await desk.tick(10.0)
        assert desk.names()[0] == "some"
        assert desk.cursor("#tubes").startswith("many")
        await desk.press("p", "enter", "y")
        assert client.stats_tube("many").pause == 600
        assert client.stats_tube("some").pause == 0


async def test_when_the_tube_under_the_cursor_vanishes_no_key_is_for_the_one_in_its_place(
    session: Session, client: Client, clock: Clock
) -> None:
    (id,) = fill(client, "bb", b"x")
    fill(client, "cc", b"x")
    async with dashboard(session, clock) as desk:
        assert desk.cursor("#tubes").startswith("bb")
        client.delete(id)
        await desk.tick(10.0)
        assert desk.names() == ["cc", "default"]
        assert "bb  no longer exists: move the cursor" in desk.line("#about")
        assert "Pause" not in desk.footer
        await desk.press("p", "enter", "space", "X")
        assert desk.app.screen is desk.app.view
        assert "Tubes" in str(desk.app.screen.title)
        assert "1 selected" not in desk.line("#status")
        fill(client, "bb", b"x")
        await desk.tick()
        assert desk.cursor("#tubes").startswith("bb")


async def test_the_cursor_goes_on_from_a_tube_that_is_gone_and_comes_back_from_a_filter(
    session: Session, client: Client, clock: Clock
) -> None:
    made = {tube: fill(client, tube, b"x") for tube in ("aa", "bb", "cc")}
    async with dashboard(session, clock) as desk:
        await desk.press("down")
        client.delete(made["bb"][0])
        await desk.tick(10.0)
        await desk.press("down")
        assert desk.cursor("#tubes").startswith("cc")
        await desk.press("slash", *"aa", "enter")
        assert desk.cursor("#tubes").startswith("aa")
        await desk.press("escape")
        assert desk.cursor("#tubes").startswith("cc")


async def test_thousands_of_tubes_scroll_and_keep_their_place(session: Session, client: Client, clock: Clock) -> None:
    for number in range(300):
        fill(client, f"tube-{number:03}", b"x")
    async with dashboard(session, clock) as desk:
        await desk.command("columns ready puts_per_s")
        await desk.press("end")
        assert desk.cursor("#tubes").startswith("tube-299")
        await desk.press("pageup")
        before = desk.lines("#tubes")
        fill(client, "a-new-one", b"x")
        await desk.tick(10.0)
        assert desk.lines("#tubes") == [line.replace("–", "0") for line in before]
        assert desk.line("#status").endswith("302 tubes")


async def test_a_click_moves_the_cursor_opens_and_sorts(session: Session, client: Client, clock: Clock) -> None:
    for tube in ("mail", "sms"):
        fill(client, tube, b"x")
    async with dashboard(session, clock) as desk:
        await desk.pilot.click("#tubes", offset=(3, 3))
        assert desk.cursor("#tubes").startswith("sms")
        await desk.pilot.click("#tubes", offset=(3, 0))
        assert desk.names() == ["sms", "mail", "default"]
        await desk.pilot.click("#tubes", offset=(3, 1))
        await desk.settle()
        assert "tube sms" in desk.line("#tube")


async def test_help_lists_the_keys_of_the_screen(session: Session, client: Client, clock: Clock) -> None:
    async with dashboard(session, clock, (100, 80)) as desk:
        await desk.press("question_mark")
        assert "Filter tubes: text" in await desk.painted()
        await desk.press("escape", "enter", "question_mark")
        painted = await desk.painted()
        assert "Pause a tube: workers get none" in painted
        assert "Delete the job" not in painted  # there is none
        await desk.press("escape", "escape", "q")
        assert not desk.app.is_running


async def test_k_kicks_all_buried_jobs_by_id_and_u_undoes_it(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", *[b"x"] * 9, bury=7)
    fill(client, "sms", b"x", delay=60)
    async with dashboard(session, clock, (120, 40), sort=None) as desk:
        assert desk.cursor("#tubes").startswith("mail")
        assert "Kick" in desk.footer
        await desk.press("k")
        assert "Kick 7 buried jobs of tube mail?" in await desk.painted()
        await desk.press("y")
        assert client.stats_tube("mail").current_jobs_buried == 0
        assert "kick: 7 done" in desk.line("#status")
        await desk.press("u", "y")
        assert client.stats_tube("mail").current_jobs_buried == 7
        await desk.command("sort tube")
        await desk.press("end", "k")
        assert "kick: no job is buried" in desk.line("#status")


async def test_k_means_the_selected_tubes_and_none_of_the_others(
    session: Session, client: Client, clock: Clock
) -> None:
    for tube in ("a", "b", "c"):
        fill(client, tube, b"1", b"2", bury=1)
    async with dashboard(session, clock) as desk:
        await desk.press("space", "space", "k", "y")
        assert [client.stats_tube(tube).current_jobs_buried for tube in ("a", "b", "c")] == [0, 0, 1]


async def test_a_filter_is_not_to_be_missed(session: Session, client: Client, clock: Clock) -> None:
    fill(client, "mail", b"x", bury=1)
    fill(client, "sms", b"x", delay=60)
    async with dashboard(session, clock) as desk:
        await desk.press("slash", *"sms")
        assert desk.line("#status").endswith("hides 1 problem tube   FILTER sms: 1 of 3 tubes ")
        await desk.press("x")
        assert "no tube matches the filter; Esc shows all" in await desk.painted()
        await desk.press("escape")
        assert desk.line("#status").endswith("3 tubes")
