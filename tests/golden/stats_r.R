# Golden values for core/stats from base R; the tests read the JSON, never this script.
#
# Command, from the repository root:
#     Rscript tests/golden/stats_r.R > tests/golden/stats_r.json
# Made with R 4.2.2 Patched (2022-11-10 r83330), base packages only.
# Oracles: p.adjust(method = "holm"), t.test(paired = TRUE), sd, lgamma for Hedges' J, and the sign-flip
# test by its definition on the full table expand.grid(c(-1, 1), ...), ties within 1e-9.
# Data: `sleep` of R (Student 1908) and Darwin's maize (Fisher 1935, The Design of Experiments, table 3).

number <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")

flips <- function(d) {
  signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), length(d))))
  mean(abs(signs %*% d) >= abs(sum(d)) - 1e-9)
}

correction <- function(m) exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2)

pairs <- function(name, a, b) {
  d <- a - b
  test <- t.test(a, b, paired = TRUE)
  fields <- c(
    sprintf('"name": "%s"', name), sprintf('"a": %s', number(a)), sprintf('"b": %s', number(b)),
    sprintf('"mean": %.17g', mean(d)), sprintf('"sd": %.17g', sd(d)),
    sprintf('"t": %.17g', test$statistic), sprintf('"df": %d', as.integer(test$parameter)),
    sprintf('"p": %.17g', test$p.value), sprintf('"low": %.17g', test$conf.int[1]),
    sprintf('"high": %.17g', test$conf.int[2]), sprintf('"p_exact": %.17g', flips(d)),
    sprintf('"dz": %.17g', correction(length(d) - 1) * mean(d) / sd(d))
  )
  paste0("  {", paste(fields, collapse = ", "), "}")
}

adjust <- function(p) sprintf('  {"p": %s, "adjusted": %s}', number(p), number(p.adjust(p, "holm")))

set.seed(1)
maize <- c(49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
random <- function(n) round(rnorm(n, 2.5, 0.05), 6)
cases <- c(
  pairs("sleep", sleep$extra[sleep$group == 1], sleep$extra[sleep$group == 2]),
  pairs("maize", maize, rep(0, 15)),
  pairs("random 5", random(5), random(5)),
  pairs("random 8", random(8), random(8)),
  pairs("random 11", random(11), random(11))
)
families <- c(
  adjust(c(0.01, 0.02, 0.03)),
  adjust(c(0.04, 0.0078125, 0.015625, 0.6, 0.0078125)),
  adjust(c(0.9, 0.8, 0.5)),
  adjust(c(0.05, 0.05, 0.05, 0.05)),
  adjust(0.03),
  adjust(c(1, 1e-300, 0.02, 0.011, 0.012)),
  adjust(round(runif(20), 5))
)
corrections <- sprintf('  {"m": %d, "value": %.17g}', c(2:20, 50, 101), correction(c(2:20, 50, 101)))
cat(
  "{\n", sprintf(' "made_with": "%s",\n', R.version.string),
  ' "pairs": [\n', paste(cases, collapse = ",\n"), "\n ],\n",
  ' "holm": [\n', paste(families, collapse = ",\n"), "\n ],\n",
  ' "correction": [\n', paste(corrections, collapse = ",\n"), "\n ]\n}\n", sep = ""
)
