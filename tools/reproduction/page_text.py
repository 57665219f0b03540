"""What the page says whatever the records show."""

INTRODUCTION = """\
# Reproduction

<!-- Written by tools/reproduce.py from the files in reproduction/runs: change those or
the plan, and not this page. -->

What the papers claim, tried at a size that anyone can repeat: small networks from
scratch, {minutes} minutes of one CPU core each, on the preset `bench` of
[SynthVIS](synth_vis.md). It tells whether an idea does what its paper says where all
else is equal. It does not tell what it is worth with a large backbone on real videos;
numbers here are not the papers'.

```bash
python tools/reproduce.py {plan} --jobs 2       # all of it
python tools/reproduce.py {plan} --claims {example} --list  # CPU minutes it takes
python tools/reproduce.py {plan} --claims {example}
python tools/reproduce.py {plan} --report-only  # this page
```

It may be stopped at any time and started again. On a GPU add
`--jobs 8 --cfg-options train_dataloader.num_workers=1`; the records keep that and the
device, and all rows of a comparison belong on one kind: others are refused. Each run
leaves a json in `docs/en/reproduction/runs/`: config, overrides, seed, the commits that
trained and tested, seconds, all metrics, and which detections of every held-out video
were hits at which threshold, from which AP of any selection of videos can be computed
again.
"""

METHOD = """\
## How it is judged

Differences are of AP (IoU 0.50 to 0.95, mean over the categories) on {videos} held-out
videos, between two rows of the same budget, over {seeds} seeds each; a claim of more
says so. The interval comes from {draws} draws. A draw takes {videos} of the {videos}
videos with replacement, the same for both rows, and {drawn} of the {seeds} seeds with
replacement; a seed brings both rows' trainings of that seed. AP is computed anew on the
drawn videos (one that is drawn twice counts as two videos), for both rows and each
drawn seed, and the
differences are averaged over the drawn seeds. The interval lies between the {low:g}th
and {high:g}th percentile of these averages. It is {drawn} seeds and not {seeds} because
a mean of {drawn} drawn ones varies as a mean of {seeds} trainings is estimated to. An
attribute's AP is that of those of the drawn videos that carry it. What a video does to
one training and not to another is drawn twice, with videos and with seeds: intervals
are rather too wide than too narrow.

* **{held}**: the whole interval is above zero.
* **{denied}**: the whole interval is below zero.
* **{not_seen}**: the interval contains zero; the benchmark cannot tell.
* *{waiting}*: not all seeds are done.

Lines that begin with \u21b3 are further experiments on the claim above them: why it
was not seen, or whether it is where chance is less.
{again}
"In short" has the paper's own difference beside that of here. It is of other data and
larger networks; it tells what is looked for, and below a claim that was not seen stands
whether as much could have been.

A claim is judged on the first line of its table. The other lines, and AP with all
categories as one, say where a difference comes from; of so many intervals of
{coverage:.0%} one or the other misses the truth.
"""

AGAIN = """
Lines "With six seeds for three" count the first three seeds again, and were asked for
when the results of these were known. What chance did to the first three stays in them,
which makes their intervals somewhat optimistic.
"""
