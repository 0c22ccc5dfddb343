# SPDX-License-Identifier: GPL-2.0
"""The report of a run: one HTML file with everything in it, for a reader who has never heard of any of this."""

import base64
import html
from pathlib import Path

from tests.bench.report import CSS
from tests.pressure import pictures
from tests.pressure.config import Configuration
from tests.pressure.judge import Findings
from tests.pressure.record import Trial
from tests.pressure.scenarios import SCENARIOS
from tests.pressure.table import broken, column, death, tables

LEAD = """A virtual machine runs out of memory. Its network card needs memory for each packet that it receives, at a moment
when nobody may wait for it. Does the machine stay reachable? A flow of small packets, something like a shell session
and pings try to get through, beside 15,000 large packets per second. Nothing is simulated: memory is really gone."""

READING = """Above: the guest's free memory. Middle: how many of the small control packets arrived; 50 is all of them. Below:
packets that were lost before they reached the network stack, on a logarithmic scale. The shaded time is that in which
memory was being taken away. On the left the kernel may kill processes to get memory, on the right it may not: the
processes are protected, as a database or an agent often is."""


def write(findings: list[Findings], trials: list[Trial], wish: Configuration, versions: dict[str, str],
          directory: Path) -> Path:
    """Draw the pictures and write report.html into `directory`; return its path."""
    drawn = pictures.draw(list(zip(trials, findings)), directory)
    parts = [_opening(findings, wish, versions)]
    parts += [_scenario(name, picture, findings) for name, picture in drawn.items()]
    parts += ["<h2>All figures</h2>", *(table.html() for table in tables(findings)), _circumstances(wish, versions)]
    page = directory / "report.html"
    page.write_text('<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
                    '<meta name="viewport" content="width=device-width"><title>Labyrinth: pressure</title>'
                    f"<style>{CSS}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n",
                    encoding="utf-8")
    return page


def _opening(findings: list[Findings], wish: Configuration, versions: dict[str, str]) -> str:
    return (f'<h1>Pressure</h1>\n<p class="small">Linux {html.escape(versions["guest kernel"])}, guests of {wish.memory} '
            f'with one driver each</p>\n<p class="lead">{LEAD}</p>\n'
            + "\n".join(_summary(driver, [one for one in findings if one.driver == driver]) for driver in wish.drivers))


def _summary(driver: str, mine: list[Findings]) -> str:
    """Return a driver's whole run in a few words."""
    sent, arrived = sum(one.control_sent for one in mine), sum(one.control_delivered for one in mine)
    dead = [one for one in mine if one.outcome != "alive"]
    kills = sum(one.driver_kills for one in mine)
    failed = broken(mine)
    words = [f"<b>{driver}</b>: {100 * arrived / max(sent, 1):.1f} % of the control packets arrived while memory was "
             f"short; longest silence {max(one.silence_ms for one in mine):,.0f} ms."]
    words.append(f"{len(mine) - len(dead)} of {len(mine)} guests lived"
                 + (f"; the driver had {kills} processes killed." if kills else "; the driver had no process killed."))
    words += sorted({html.escape(f"{column(one)}: {death(one)}.") for one in dead})
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in failed)
    bounds = f"<details><summary>bounds that do not hold</summary><ul>{lines}</ul></details>" if lines else ""
    return f'<div class="{"bad" if failed else "fine"}"><p>{" ".join(words)}</p>{bounds}</div>'


def _scenario(name: str, picture: Path, findings: list[Findings]) -> str:
    scenario = SCENARIOS[name]
    data = base64.b64encode(picture.read_bytes()).decode()
    ends = "; ".join(f"{column(one)}: {death(one)}" for one in findings
                     if one.scenario == name and one.outcome != "alive")
    note = f'<p class="bad">Guests that died: {html.escape(ends)}</p>' if ends else ""
    return (f'<h2>{scenario.title}</h2>\n<p>{scenario.words}</p>\n{note}<figure><img alt="Curves over time, two drivers" '
            f'src="data:image/svg+xml;base64,{data}">\n<figcaption>{READING}</figcaption></figure>')


def _circumstances(wish: Configuration, versions: dict[str, str]) -> str:
    used = "".join(f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
                   for name, value in versions.items())
    return f"""<h2>How it was measured</h2>
<p>Each trial has a guest of its own with {wish.cpus} processor and {wish.memory} of memory. To it go {wish.rate:,} UDP
packets per second of {wish.size - 42} bytes, {wish.control_rate} small ones per second to another port (control),
{wish.echo_rate} requests per second over one TCP connection, and {wish.ping_rate} pings per second. First {wish.quiet:g}
seconds are measured with memory for all; that is what the round trips are compared with. A silence is the longest
time without a control packet, less the sender's own pauses. What measures in the guest has its memory locked, asks for
none while there is none, and writes to a serial port.</p>
<table><thead><tr><th>used</th><th></th></tr></thead><tbody>{used}</tbody></table>"""
