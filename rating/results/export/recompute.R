# Recompute the primary result of a LungRater bundle, with standard error and interval, in base R, and compare it with primary.csv.
#
# Rscript recompute.R        (in the folder of the bundle; exit 1 if anything differs)

declared <- read.csv("primary.csv", colClasses = "character", na.strings = character())
if (nrow(declared) == 0) {
  cat("There is no primary result yet: the study is blinded, or declares none.\n")
  quit(status = 0)
}
declared <- setNames(as.list(declared$value), declared$name)
rows <- read.csv("ratings.csv", colClasses = "character", na.strings = character(), encoding = "UTF-8")
rows <- rows[rows$kind == "main" & rows$session == declared$session, ]

# Codes of raters x images, NA where not rated; the truth of each image. Machines and practice stand elsewhere.
raters <- unique(rows$rater[rows$label != ""])
images <- sort(unique(rows$image))
codes <- matrix(NA_character_, length(raters), length(images), dimnames = list(raters, images))
rated <- rows[rows$label != "", ]
codes[cbind(rated$rater, rated$image)] <- rated$label
truth <- rows$truth[match(images, rows$image)]

# --- Raters and images like these: U-statistic, from sums over pairs that share nothing, a rater, an image ... ---

from_moments <- function(value, above, below, size) {
  sign <- (-1)^size
  variance <- -sum(sign * above) / sum(sign * below)
  moment <- above / pmax(below, 1)
  single <- size == 1
  worth <- pmax(round(below[1] / pmax(below[single], 1) - 1), 1)
  effects <- sum((moment[single] - moment[1])^2 / worth^3)
  df <- if (effects > 1e-24) max(variance^2 / effects, min(worth)) else min(worth)
  se <- sqrt(variance)
  half <- qt(0.975, df) * se
  c(value, se, max(value - half, 0), min(value + half, 1))
}

share_of_random_raters <- function(x, there) {
  value <- sum(x * there) / sum(there)
  sums <- function(cells) c(sum(cells)^2, sum(rowSums(cells)^2), sum(colSums(cells)^2), sum(cells^2))
  from_moments(value, sums((x - value) * there), sums(there), c(0, 1, 1, 2))
}

auc_of_random_raters <- function(real, fake) {
  won <- array(0, c(nrow(real), ncol(real), ncol(fake)))
  there <- won
  for (r in seq_len(nrow(real))) {
    won[r, , ] <- outer(real[r, ], fake[r, ], function(a, b) (b > a) + 0.5 * (b == a))
    there[r, , ] <- outer(!is.na(real[r, ]), !is.na(fake[r, ]))
  }
  won[is.na(won)] <- 0
  value <- sum(won * there) / sum(there)
  shared <- list(1, 2, 3, c(1, 2), c(1, 3), c(2, 3))
  sums <- function(cells) {
    c(sum(cells)^2, vapply(shared, function(kept) sum(apply(cells, kept, sum)^2), 0), sum(cells^2))
  }
  from_moments(value, sums((won - value) * there), sums(there), c(0, 1, 1, 1, 2, 2, 2, 3))
}

# --- These raters, images like these -----------------------------------------------------------------------------

of_these_raters <- function(value, influence) {
  variance <- sum(vapply(influence, function(part) length(part) / (length(part) - 1) * sum(part^2), 0))
  df <- sum(lengths(influence) - 1)
  half <- qt(0.975, df) * sqrt(variance)
  ends <- c(value - half, value + half)
  if (ends[1] < 0 || ends[2] > 1) ends <- plogis(qlogis(value) + c(-1, 1) * half / (value * (1 - value)))
  c(value, sqrt(variance), ends)
}

share_of_these_raters <- function(x, there) {
  readers <- rowSums(there) > 0
  x <- x[readers, , drop = FALSE]
  there <- there[readers, , drop = FALSE]
  n <- rowSums(there)
  rates <- rowSums(x * there) / n
  of_these_raters(mean(rates), list(colMeans((x - rates) / n * there)))
}

auc_of_these_raters <- function(real, fake) {
  readers <- which(rowSums(!is.na(real)) > 0 & rowSums(!is.na(fake)) > 0)
  of_real <- numeric(ncol(real))
  of_fake <- numeric(ncol(fake))
  areas <- numeric(0)
  for (r in readers) {
    a <- !is.na(real[r, ])
    b <- !is.na(fake[r, ])
    won <- outer(real[r, a], fake[r, b], function(x, y) (y > x) + 0.5 * (y == x))
    areas <- c(areas, mean(won))
    of_real[a] <- of_real[a] + (rowMeans(won) - mean(won)) / (sum(a) * length(readers))
    of_fake[b] <- of_fake[b] + (colMeans(won) - mean(won)) / (sum(b) * length(readers))
  }
  of_these_raters(mean(areas), list(of_real, of_fake))
}

# --- The declared result -----------------------------------------------------------------------------------------

recomputed <- function() {
  these <- startsWith(declared$method, "these raters: images")
  if (!these && !startsWith(declared$method, "U-statistic")) return(NULL)
  fake <- truth == "fake"
  share <- if (these) share_of_these_raters else share_of_random_raters
  if (declared$endpoint == "auc") {
    level <- matrix(match(codes, c("real", "unsure", "fake")), nrow(codes))
    read <- colSums(!is.na(level)) > 0
    side <- function(kind) level[, kind & read, drop = FALSE]
    area <- if (these) auc_of_these_raters else auc_of_random_raters
    return(area(side(truth == "real"), side(fake)))
  }
  if (declared$endpoint == "fool rate") {
    calls <- codes[, fake, drop = FALSE]
    return(share((!is.na(calls) & calls == "real") * 1, (!is.na(calls)) * 1))
  }
  if (declared$endpoint != "accuracy") return(NULL)
  worth <- c(wrong = 0, right = 1, half = 0.5, exclude = 0)[[declared$policy]]
  wanted <- matrix(truth, nrow(codes), ncol(codes), byrow = TRUE)
  right <- ifelse(is.na(codes), 0, ifelse(codes == "unsure", worth, (codes == wanted) * 1))
  counted <- !is.na(codes) & (codes != "unsure" | declared$policy != "exclude")
  share(right, counted * 1)
}

values <- recomputed()
if (is.null(values)) {
  cat("The declared result is of a kind that this script does not recompute.\n")
  quit(status = 0)
}
differing <- 0
for (place in seq_along(values)) {
  name <- c("estimate", "se", "low", "high")[place]
  reported <- suppressWarnings(as.numeric(declared[[name]]))
  missing <- is.na(values[place]) && is.na(reported)
  same <- missing || isTRUE(abs(values[place] - reported) < 1e-8)
  differing <- differing + !same
  cat(sprintf("%-8s%-12s%24.17g%24.17g\n", if (same) "same" else "DIFFERS", name, values[place], reported))
}
cat(sprintf("4 numbers compared, %d differ.\n", differing))
quit(status = if (differing > 0) 1 else 0)
