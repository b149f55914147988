"""The names of models, as psad-compare gives them, in the groups that tables and plots ask for."""

BEST_OF_PSAD = ["psad", "psad/teacher", "psad-sort"]
# They need no training. What was logged in a world is none of them: its policy knows what no model sees.
HEURISTICS = ["initial", "history-first", "by-aux"]
LOGGED = "logged"
UNTRAINED = ["initial", LOGGED, "history-first", "by-aux"]

WITH_UPN = ["dlcm+upn", "prm+upn", "setrank+upn", "listnet"]
WITHOUT_UPN = ["mlp", "dlcm", "prm", "setrank"]
PAPERS = ["seq2slate", "nar4rec"]
BASELINES = [LOGGED, *WITHOUT_UPN, *WITH_UPN, *PAPERS, "lambdamart", "history-first", "by-aux", "initial"]

# What small comparisons train.
PAIRS_AND_GENERATORS = [
    "psad", "no-distillation", "student-alone", "psad-sort", "sort-alone", "ar", "k2", "k3", "k5", "k5+t", "nar",
    "nar+t", "mlp", "prm",
]
CLICK_MODELS = ["clicks", "clicks-5x", "pretrained-clicks", "clicks-sort", "pretrained-clicks-sort"]
UPN_PARTS = [
    "psad", "no-upn", "mean-history", "no-fading", "global-fading", "exponential", "no-gates", "no-match",
    "plain-positions", "time-by-fading", "time-by-global-fading", "no-time",
]

# What a plot shows where there are more models than one can read.
BLOCKS = [("ar", 1), ("k2", 2), ("k3", 3), ("k5", 5), ("nar", 10)]
BY_HISTORY = [*UNTRAINED, "no-upn", "mean-history", "psad", "psad/teacher"]
CURVES = ["student-alone", "ar", "k5+t", "nar", "mlp"]
ON_PARETO = [
    *BEST_OF_PSAD, "attention-wide", "ar", "k2", "k3", "k5", "nar", "nar+t", *PAPERS, *WITHOUT_UPN, *WITH_UPN,
    *UNTRAINED, "lambdamart",
]
