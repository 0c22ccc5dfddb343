# SPDX-License-Identifier: GPL-2.0
"""The report of a run: one HTML file with everything in it, for a reader who has never heard of any of this."""

import base64
import html
from dataclasses import dataclass
from pathlib import Path

from tests.bench import compare, pictures
from tests.bench.samples import Result
from tests.bench.table import spread_text, tables

CSS = """
body { font: 16px/1.55 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.7rem; margin-bottom: .2rem } h2 { font-size: 1.25rem; margin-top: 2.4rem }
p, li { max-width: 46rem } .lead { font-size: 1.1rem } .small { color: #555; font-size: .9rem }
figure { margin: 1.2rem 0 } figure img { width: 100% }
figcaption { color: #555; font-size: .9rem; max-width: 46rem }
table { border-collapse: collapse; font-size: .9rem; margin: 1rem 0 1.8rem; font-variant-numeric: tabular-nums }
th, td { padding: .22rem .6rem; text-align: right; border-bottom: 1px solid #e5e5e5; white-space: nowrap }
th { border-bottom: 2px solid #999 } th:first-child, td:first-child { text-align: left }
.fine, .bad { border-left: 4px solid #0072B2; padding-left: .8rem } .bad { border-color: #D55E00 }
"""


@dataclass(frozen=True)
class Section:
    """A picture, with what to know before one looks at it and what it shows."""

    title: str
    words: str
    shows: str  # for those who see the picture
    alt: str  # for those who do not


SECTIONS = {
    "ratio": Section(
        "Which driver is faster?",
        """The guest shares the machine's processors with the program that sends the packets, and may be emulated, so
        packets per second say more about this machine than about a driver. What can be compared is two drivers that
        took turns within one run: the rate of one divided by the rate of the other.""",
        "One dot per round, the bar is their median. On the line both are equally fast.",
        "Dots for the ratio of the two drivers' rates"),
    "rate": Section(
        "Packets over time",
        "A driver that stalls shows here, even if its average is good.",
        """Packets per second that a program in the guest really read. Thin lines are single rounds, thick lines their
        median.""",
        "Curves of packets per second over time, two drivers"),
    "packets": Section(
        "Where did the packets go?",
        """More packets are sent than the guest can take; that is what makes it a flood. Most of them are dropped by
        the queue on the host, before any driver sees them: that is the guest's limit, not the driver's fault. What
        counts is that nothing is lost in silence, so each packet is counted at every place that it passes.""",
        "All packets sent are 100 %.",
        "Bars of where the packets went, per driver and size"),
    "failing": Section(
        "When memory fails",
        """A network driver needs a fresh page of memory for each packet that it hands on, at a moment when it may not
        wait for one. Under pressure the kernel refuses. Here every such request is refused on purpose for a while. A
        good driver goes on with the pages that it has, says why it dropped what it dropped, and recovers at once.""",
        """Above: packets per second. Below: what failed, by cause. The shaded part is the time in which every atomic
        allocation of the driver failed. Small packets are copied and need no page of their own, so they go on.""",
        "Curves of packets and of failures over time, with the time of the failures shaded"),
}


def write(result: Result, directory: Path, verdict: list[str], passed: bool) -> Path:
    """Draw the pictures and write report.html into `directory`; return its path."""
    drawn = pictures.draw(result, directory)
    parts = [_opening(result, verdict, passed)]
    parts += [_section(section, drawn[name]) for name, section in SECTIONS.items() if name in drawn]
    parts += [_figures(result), _circumstances(result)]
    page = directory / "report.html"
    page.write_text('<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
                    '<meta name="viewport" content="width=device-width"><title>Labyrinth: the flood</title>'
                    f"<style>{CSS}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body>\n</html>\n",
                    encoding="utf-8")
    return page


def _opening(result: Result, verdict: list[str], passed: bool) -> str:
    ours, theirs = map(html.escape, result.labels)
    ratios = "".join(
        f"<li><b>{one.size}-byte packets: {spread_text(compare.spread(one.ratio), 2)}</b> times the rate of "
        f"{theirs}{'' if one.saturated else ' - but here the generator was the limit, not the guest'}</li>"
        for one in compare.comparisons(result))
    lines = "<br>".join(html.escape(line) for line in verdict)
    notes = "".join(f'<p class="small">Note: {html.escape(note)}.</p>' for note in result.notes)
    return f"""<h1>The flood</h1>
<p class="small">{ours} and {theirs} in one guest, Linux {html.escape(result.versions['guest kernel'])}</p>
<p class="lead">A virtual machine has two network cards. One is served by the driver <b>{ours}</b>, the other by
<b>{theirs}</b>. The host sends both of them, in turns, more packets than the machine can take.
Which driver delivers more of them, and is every single packet accounted for?</p>
<p>How {ours} does, median of {result.configuration.rounds} rounds (least - most):</p>
<ul>{ratios}</ul>
<p class="{'fine' if passed else 'bad'}">{lines}</p>
{notes}"""


def _section(section: Section, picture: Path) -> str:
    data = base64.b64encode(picture.read_bytes()).decode()
    return (f'<h2>{section.title}</h2>\n<p>{section.words}</p>\n<figure><img alt="{section.alt}" '
            f'src="data:image/svg+xml;base64,{data}">\n<figcaption>{section.shows}</figcaption></figure>')


def _figures(result: Result) -> str:
    return """<h2>All figures</h2>
<p>Packets are counted over all rounds; rates are the median of the rounds (least - most). Each count is made by someone
else: the generator, the host's queue, the driver, the guest's network stack, and the program that reads. Indented rows
are losses.</p>
""" + "\n".join(table.html() for table in tables(result))


def _circumstances(result: Result) -> str:
    wish = result.configuration
    used = "".join(f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
                   for name, value in result.versions.items())
    return f"""<h2>How it was measured</h2>
<p>One guest with {wish.cpus} processor and {wish.memory} of memory; the receive ring has QEMU's default size, the
reading program asks for a socket buffer of 4 MB. {wish.rate:,} UDP packets per second in {wish.flows} flows,
{wish.duration:g} seconds per turn, {wish.rounds} rounds; the driver that begins changes every round, so that whatever
else the machine does hits both. A size is that of the whole Ethernet frame. Counters are read every {wish.sample_ms} ms
in the guest, by the program that also reads the packets.</p>
<table><thead><tr><th>used</th><th></th></tr></thead><tbody>{used}</tbody></table>"""
