"""The words a reader of a report may not know."""

GLOSSARY: tuple[tuple[str, str], ...] = (
    ("As-of date", "The morning on which we would have decided. Nothing learnt later is used."),
    ("AUROC", "How well the model ranks: 0.5 is chance, 1 is perfect."),
    (
        "Average precision",
        "How well it ranks when few people have the outcome; compare it with the share who do.",
    ),
    ("Band", "A part of the list, cut by how many people can be seen."),
    ("Calibration", "Whether a stated risk of 30% comes true for 3 in 10."),
    (
        "Calibration slope",
        "1 is right; below 1 high risks are too high and low risks too low.",
    ),
    ("Capacity", "The share of people that a service can see."),
    ("Cohort", "The people in scope on each as-of date."),
    (
        "Correct among those listed",
        "Of the people listed, the share who had the outcome (positive predictive value).",
    ),
    ("Expected outcomes", "The sum of the calibrated risks of a group of people."),
    ("Gate", "A limit set before the run, which the model must keep to be considered."),
    (
        "Interval",
        "95% interval: the range that fits the data. A wide one means that we know little.",
    ),
    ("Lift", "How many times more outcomes the list holds than a list drawn at random."),
    (
        "Net benefit",
        "Outcomes reached, less the cost of false alarms, at a given willingness to act.",
    ),
    ("Outcomes reached", "Of all who had the outcome, the share who were listed (sensitivity)."),
    (
        "Register",
        "The records of everybody in the population, to which other agencies' records are linked.",
    ),
    ("Suppressed", "A count too small to show without the risk of telling about a person."),
    (
        "Sure link",
        "Exact by a number, or of high probability. A record linked to none is no wrong link.",
    ),
)
