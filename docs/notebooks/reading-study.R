# A reading study from R: images in, a study made, ratings out, and its numbers computed a second time.
#
# Needs httr2 and jsonlite, a token with the scopes read, write and export (Your account, Tokens for programs), and
# two folders of images, images/real and images/fake. Run it with: Rscript reading-study.R

library(httr2)
library(jsonlite)

url <- Sys.getenv("LUNGRATER_URL", "http://localhost:8000")
token <- Sys.getenv("LUNGRATER_TOKEN")
folder <- Sys.getenv("LUNGRATER_IMAGES", "images")
raters <- strsplit(Sys.getenv("LUNGRATER_RATERS", "first@example.org second@example.org"), " ")[[1]]
pause <- as.numeric(Sys.getenv("LUNGRATER_PAUSE", "60"))
name <- "Chest films, from R"

# The sentence of the site, where it refuses.
refusal <- function(response) {
  if (grepl("json", resp_content_type(response))) resp_body_json(response)$detail else NULL
}

api <- function(path) {
  request(paste0(sub("/$", "", url), "/api/v1", path)) |>
    req_headers(Authorization = paste("Bearer", token)) |>
    req_error(body = refusal)
}

# Reads are tried again where the network or the site fails for a moment.
get_json <- function(path) {
  api(path) |> req_retry(max_tries = 5) |> req_perform() |> resp_body_json()
}

# An act is sent once; an act token goes with what closes or unblinds a study.
post_json <- function(path, body, act_token = NULL) {
  prepared <- api(path) |> req_body_json(body)
  if (!is.null(act_token)) prepared <- prepared |> req_headers(`Act-Token` = act_token)
  prepared |> req_perform() |> resp_body_json()
}

# A create has a key, so that a lost answer creates nothing twice.
key <- function() paste(sample(c(0:9, letters), 32, replace = TRUE), collapse = "")

create <- function(path, body) {
  api(path) |> req_headers(`Idempotency-Key` = key()) |> req_body_json(body) |>
    req_retry(max_tries = 5) |> req_perform() |> resp_body_json()
}

wait_for <- function(path) {
  repeat {
    job <- get_json(path)
    if (!job$state %in% c("queued", "running")) {
      if (job$state != "succeeded") stop(path, " has ", job$state, ".")
      return(job)
    }
    Sys.sleep(1)
  }
}

# Images into the pool. What comes twice, an import names as a duplicate and adds no second time.
push_images <- function(dataset, origin, files) {
  made <- create("/datasets", list(name = dataset, origin = origin, modality = "xray"))
  for (start in seq(1, length(files), by = 50)) {
    uploads <- lapply(files[start:min(start + 49, length(files))], curl::form_file)
    names(uploads) <- rep("uploads", length(uploads))
    import <- do.call(req_body_multipart, c(list(api(paste0("/datasets/", made$id, "/images"))), uploads)) |>
      req_headers(`Idempotency-Key` = key()) |> req_perform() |> resp_body_json()
    job <- wait_for(paste0("/imports/", import$id))
    cat(dataset, job$imported, "images\n")
  }
}

real <- list.files(file.path(folder, "real"), "[.]png$", full.names = TRUE)
fake <- list.files(file.path(folder, "fake"), "[.]png$", full.names = TRUE)
push_images("Hospital R", "real", real)
push_images("Model R", "synthetic", fake)

# The study: frozen, audited, opened. Red stops it: look at the findings on the study's page.
count <- min(length(real), length(fake))
strata <- list(list(dataset = "Hospital R", count = count), list(dataset = "Model R", count = count))
slug <- create("/studies", list(name = name, canvas = 256, strata = strata))$slug
study <- paste0("/studies/", slug)
post_json(paste0(study, "/freeze"), setNames(list(), character()))
wait_for(paste0("/freezes/", get_json(study)$freeze$id))
wait_for(paste0("/audits/", get_json(study)$audit$id))
stopifnot(get_json(study)$audit$verdict != "red")
post_json(paste0(study, "/invitations"), list(emails = paste(raters, collapse = "\n")))
post_json(paste0(study, "/open"), setNames(list(), character()))

# Raters read, in their browsers.
repeat {
  paces <- vapply(get_json(paste0(study, "/raters")), function(rater) rater$pace, "")
  if (all(paces == "finished")) break
  Sys.sleep(pause)
}

# Close and unblind, with a token of ten minutes made on your account's page.
act_token <- Sys.getenv("LUNGRATER_ACT_TOKEN")
if (act_token == "") act_token <- readline("Token for acts: ")
post_json(paste0(study, "/close"), list(confirm = name), act_token)
post_json(paste0(study, "/unblind"), list(reason = "All have read."), act_token)

# Ratings as a data frame: one row per image shown to a rater.
text <- api(paste0(study, "/ratings.csv")) |> req_perform() |> resp_body_string()
ratings <- read.csv(text = text, stringsAsFactors = FALSE)
ratings <- ratings[ratings$kind == "main", ]
print(table(ratings$rater, ratings$truth, ratings$label))

# The same numbers a second way. Sensitivity: fakes called fake, unsure being no such call; fool rate: fakes called real.
fakes <- ratings[ratings$truth == "fake", ]
sensitivity <- tapply(fakes$label == "fake", fakes$rater, mean)
fool_rate <- tapply(fakes$label == "real", fakes$rater, mean)

# Cohen's kappa of the first two raters.
labels <- c("real", "fake", "unsure")
pair <- split(ratings, ratings$rater)[1:2]
pair[[2]] <- pair[[2]][match(pair[[1]]$image, pair[[2]]$image), ]
shares <- prop.table(table(factor(pair[[1]]$label, labels), factor(pair[[2]]$label, labels)))
expected <- sum(rowSums(shares) * colSums(shares))
kappa <- (sum(diag(shares)) - expected) / (1 - expected)

results <- get_json(paste0(study, "/results"))
for (accuracy in results$truth$per_rater) {
  stopifnot(abs(accuracy$sensitivity$estimate - sensitivity[[accuracy$rater]]) < 1e-9)
  stopifnot(abs(accuracy$fool_rate$estimate - fool_rate[[accuracy$rater]]) < 1e-9)
}
stopifnot(abs(results$agreement$coefficients$cohen_kappa$estimate - kappa) < 1e-9)

cat("sensitivity", toJSON(as.list(sensitivity), auto_unbox = TRUE, digits = NA), "\n")
cat("fool rate", toJSON(as.list(fool_rate), auto_unbox = TRUE, digits = NA), "\n")
cat("kappa", kappa, "\n")
