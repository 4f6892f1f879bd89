# The figures that our survival methods are held to, as R's package survival gives them.
# Rscript survival.R DATA.csv > FIGURES.csv: DATA has time, end (0 left, 1 the event, 2 another end), group, x1, x2.
# Rscript survival.R --own NAME DATA.csv: writes one of the package's own data sets as such a DATA.
suppressMessages(library(survival))
args <- commandArgs(trailingOnly = TRUE)

own <- function(name) switch(name,
  aml = with(aml, data.frame(time, end = status, group = as.integer(x), x1 = as.integer(x), x2 = seq_along(time) %% 3)),
  ovarian = with(ovarian, data.frame(time = futime, end = fustat, group = rx, x1 = age, x2 = resid.ds)),
  veteran = with(veteran, data.frame(time, end = status, group = trt, x1 = karno, x2 = age)),
  lung = with(lung[!is.na(lung$ph.ecog), ], data.frame(time, end = status - 1, group = sex, x1 = age, x2 = ph.ecog)),
  mgus2 = with(mgus2[!is.na(mgus2$hgb), ], data.frame(time = ifelse(pstat == 1, ptime, futime),
    end = ifelse(pstat == 1, 1, 2 * death), group = as.integer(sex), x1 = age, x2 = hgb)))
if (length(args) == 3) {
  write.csv(own(args[2]), args[3], row.names = FALSE)
  quit()
}
d <- read.csv(args[1])
d$status <- as.integer(d$end == 1)
say <- function(what, key, values) cat(what, key, paste(sprintf("%.12g", values), collapse = " "), sep = ",", fill = FALSE, "\n")
for (g in sort(unique(d$group))) {
  f <- survfit(Surv(time, status) ~ 1, data = d[d$group == g, ], conf.type = "log")
  for (name in c("time", "n.risk", "n.event", "n.censor", "surv", "lower", "upper")) say(paste0("km", g), name, f[[name]])
  say(paste0("km", g), "error", f$std.err * f$surv)
  say(paste0("km", g), "median", unlist(quantile(f, 0.5)))
}
l <- survdiff(Surv(time, status) ~ group, data = d)
say("logrank", "observed", l$obs); say("logrank", "expected", l$exp); say("logrank", "chi", l$chisq)
c <- coxph(Surv(time, status) ~ x1 + x2, data = d, ties = "efron", control = coxph.control(eps = 1e-12, iter.max = 50))
s <- summary(c)
say("cox", "coefficient", s$coefficients[, "coef"]); say("cox", "error", s$coefficients[, "se(coef)"])
say("cox", "low", s$conf.int[, "lower .95"]); say("cox", "high", s$conf.int[, "upper .95"])
say("cox", "p", s$coefficients[, "Pr(>|z|)"]); say("cox", "likelihood", c$loglik)
z <- cox.zph(c, transform = "km")$table
say("zph", "chi", z[, "chisq"]); say("zph", "p", z[, "p"])
if (any(d$end == 2)) {
  a <- survfit(Surv(time, factor(end, 0:2)) ~ 1, data = d, conf.type = "log")
  say("aj", "time", a$time)
  for (k in 1:2) {
    say(paste0("aj", k), "share", a$pstate[, k + 1]); say(paste0("aj", k), "error", a$std.err[, k + 1])
    say(paste0("aj", k), "low", a$lower[, k + 1]); say(paste0("aj", k), "high", a$upper[, k + 1])
  }
}
