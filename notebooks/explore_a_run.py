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
# # Explore a run
#
# The newest finished run of the emergency admission study: how well it does, what a list would
# find, for whom, and why. Numbers here are exact: a notebook belongs inside the environment the
# data live in. What may leave is in the report and the releases.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import riskstrat

ROOT = next(p for p in [Path.cwd(), *Path.cwd().parents] if (p / "configs").is_dir())
STORE = Path(os.environ.get("RISKSTRAT_STORE", ROOT / "store"))

run = riskstrat.runs("emergency_admission", store=STORE)[-1]
run

# %% [markdown]
# ## Did it keep what the study promised?

# %%
run.gates()[["text", "value", "low", "high", "verdict"]]

# %% [markdown]
# ## How well does it rank, beside rules of thumb?
#
# Held-out dates only. A model that does not clearly beat age and sex is not worth having.

# %%
metrics = run.metrics()
test = metrics[metrics.split == "test"]
test.pivot(index="learner", columns="metric", values="value").round(3)

# %%
auroc = test[test.metric == "auroc"].sort_values("value")
fig, axes = plt.subplots(figsize=(7, 2.6))
axes.errorbar(
    auroc.value,
    auroc.learner,
    xerr=[auroc.value - auroc.low, auroc.high - auroc.value],
    fmt="o",
    capsize=3,
)
axes.axvline(0.5, linestyle=":", color="grey")
axes.set(xlabel="AUROC on held-out dates (95% interval)")
fig.tight_layout()

# %% [markdown]
# ## What would a list of each length find?

# %%
at = run.at_capacity()
at[["learner", "share", "selected", "ppv", "ppv_low", "ppv_high", "sensitivity", "lift"]].round(3)

# %% [markdown]
# ## When it says 30%, does it happen to 3 in 10?

# %%
predictions = run.predictions()
held_out = predictions[predictions.split == "test"]
own = held_out[held_out.learner == run.winner].sort_values("risk")
tenths = [own.iloc[places] for places in np.array_split(np.arange(len(own)), 10)]
expected = [part.risk.mean() for part in tenths]
observed = [part.outcome.astype(float).mean() for part in tenths]

fig, axes = plt.subplots(figsize=(4.2, 4))
axes.plot([0, max(expected)], [0, max(expected)], linestyle=":", color="grey")
axes.plot(expected, observed, marker="o")
axes.set(xlabel="Mean calibrated risk", ylabel="Share who had the outcome", title=run.winner)
fig.tight_layout()

# %% [markdown]
# ## For whom does it work less well?
#
# Of those who had the outcome, the share who would be among the 5% listed, by group. A level
# with little evidence has a wide interval, and no verdict.

# %%
fairness = run.fairness()
reached = fairness[(fairness.metric == "sensitivity") & (fairness["at"].astype(str) == "0.05")]
columns = ["group", "level", "value", "low", "high", "n", "verdict"]
reached[columns].round(3)

# %%
shown = reached[reached.verdict == "ok"] if (reached.verdict == "ok").any() else reached
labels = shown.group + ": " + shown.level
fig, axes = plt.subplots(figsize=(7, 0.28 * len(shown) + 1))
axes.errorbar(
    shown.value,
    labels,
    xerr=[shown.value - shown.low, shown.high - shown.value],
    fmt="o",
    capsize=2,
)
axes.invert_yaxis()
axes.set(xlabel="Outcomes reached by the top 5% (95% interval)", xlim=(0, None))
fig.tight_layout()

# %% [markdown]
# ## What does it look at?
#
# What raises a score need not cause the outcome.

# %%
importance = run.importance().head(15)
importance

# %%
dictionary = run.feature_dictionary().set_index("name")
dictionary.loc[
    [name for name in importance.feature if name in dictionary.index],
    ["meaning", "source", "window", "share_missing"],
]
