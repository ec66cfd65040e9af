# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Compare two runs
#
# What do records about the *household* (police, rent, benefits, tenancies, and the care of others
# who live there) add to what is known of the child? The same study is run a second time without
# them, under a name of its own, so that it never stands in the way of the registered model.

# %%
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import yaml

import riskstrat

ROOT = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "configs").is_dir())
STORE = Path(os.environ.get("RISKSTRAT_STORE", ROOT / "store"))
DATA = Path(os.environ.get("RISKSTRAT_DATA", ROOT / "data" / "demo"))
STUDY = ROOT / "configs" / "studies" / "school_readiness.yaml"

everything = riskstrat.runs("school_readiness", store=STORE)[-1]
everything

# %% [markdown]
# ## The second run: one list of the study is replaced
#
# `overrides` are what `--set` is on the command line. Stages whose inputs have not changed are
# reused.

# %%
blocks = yaml.safe_load(STUDY.read_text(encoding="utf-8"))["features"]["blocks"]
child_only = [block for block in blocks if block.get("through") != "household"]
study = riskstrat.load_study(
    STUDY,
    overrides=[
        "study=school_readiness_child_only",
        "title=School readiness, from the child's own records",
        f"features.blocks={json.dumps(child_only)}",
        "release.recipients=[]",
    ],
)
without = riskstrat.run(study, data=DATA, store=STORE)
print(f"{len(blocks)} blocks of features before, {len(child_only)} now")
without

# %% [markdown]
# ## Side by side

# %%
riskstrat.compare(everything, without)

# %%
runs = {"everything": everything, "child's own records": without}
metrics = ["auroc", "average_precision"]
fig, panels = plt.subplots(1, len(metrics), figsize=(8, 2.2))
for axes, metric in zip(panels, metrics, strict=True):
    for name, run in runs.items():
        rows = run.metrics()
        row = rows[
            (rows.split == "test") & (rows.metric == metric) & (rows.learner == run.winner)
        ].iloc[0]
        spread = [[row.value - row.low], [row.high - row.value]]
        axes.errorbar(row.value, name, xerr=spread, fmt="o", capsize=3)
    axes.set(xlabel=metric.replace("_", " "), ylim=(-0.5, 1.5))
fig.tight_layout()

# %% [markdown]
# ## The difference, on the same children
#
# Two overlapping intervals can still hide a real difference, because both models are tested on the
# same children. So the children are resampled, and the difference is taken each time.

# %%
keys = ["unit_id", "as_of"]


def tested(run):
    rows = run.predictions()
    rows = rows[(rows.split == "test") & (rows.learner == run.winner)]
    return rows.set_index(keys)[["outcome", "raw_score"]]


pairs = tested(everything).join(tested(without), rsuffix="_without", how="inner").sort_index()


def auroc(outcome, score):
    ranks = score.rank().to_numpy()
    yes = outcome.to_numpy(dtype=bool)
    above = ranks[yes].sum() - yes.sum() * (yes.sum() + 1) / 2
    return above / (yes.sum() * (~yes).sum())


rng = np.random.default_rng(1)
differences = []
for _ in range(300):
    sample = pairs.iloc[rng.integers(0, len(pairs), len(pairs))]
    differences.append(
        auroc(sample.outcome, sample.raw_score)
        - auroc(sample.outcome_without, sample.raw_score_without)
    )
low, high = np.quantile(differences, [0.025, 0.975])
print(
    f"AUROC gained from household records: {np.mean(differences):.3f} "
    f"(95% interval {low:.3f} to {high:.3f}) on {len(pairs):,} children"
)

# %% [markdown]
# ## What each model looks at

# %%
fig, panels = plt.subplots(1, 2, figsize=(11, 3.4))
for axes, (name, run) in zip(panels, runs.items(), strict=True):
    top = run.importance().head(8)[::-1]
    axes.barh(top.feature, top.share)
    axes.set(title=name, xlabel="Share of the score's movement")
    axes.tick_params(labelsize=7)
fig.tight_layout()
