#!/usr/bin/env Rscript
# tests/data/tables/make_r.R - the tables that R, data.table and readr make of the patients of frame/, beside those of
# make_pandas.py. Reads frame/pandas_plain.csv; reads each of its own tables back and stops where a number differs.
# Usage: Rscript make_r.R
suppressMessages({ library(data.table); library(readr) })
arguments <- commandArgs(FALSE)
setwd(dirname(normalizePath(sub("--file=", "", grep("--file=", arguments, value = TRUE)))))

for (name in c("decimal_commas", "yaml_header", "transposed_r", "samples_by_genes_r", "types_r"))
  dir.create(name, showWarnings = FALSE)
truth <- list(True = TRUE, False = FALSE)
frame <- read.csv("frame/pandas_plain.csv", colClasses = c(smoker = "character"))
frame$smoker <- unname(unlist(truth[frame$smoker]))
frame$visit <- as.Date(frame$visit)
frame$stage <- factor(frame$stage)
numbers <- c("age", "weight", "crp", "ratio", "titre", "dose", "smoker", "label")

same <- function(back, file) {
  for (name in numbers) if (!identical(as.numeric(back[[name]]), as.numeric(frame[[name]])))
    stop(file, ": ", name, " is not what was written")
}

# write.csv and its kin: row names unless told otherwise, quotes around text, NA, 1e+05, TRUE
base <- function(file, writer, reader, ...) {
  writer(frame, file, ...)
  same(reader(file), file)
}
base("frame/r_write_csv.csv", write.csv, read.csv)  # row names 1, 2, ... beside the ids
base("frame/r_write_csv_no_row_names.csv", write.csv, read.csv, row.names = FALSE)
base("frame/r_write_csv_no_quotes.csv", write.csv, read.csv, row.names = FALSE, quote = FALSE)
base("frame/r_write_csv_crlf.csv", write.csv, read.csv, row.names = FALSE, eol = "\r\n")
base("frame/r_write_csv_na_empty.csv", write.csv, read.csv, row.names = FALSE, na = "")
base("frame/r_write_csv_na_point.csv", write.csv, function(f) read.csv(f, na.strings = "."), na = ".")
base("frame/r_write_csv2.csv", write.csv2, read.csv2)
base("frame/r_write_csv2_no_row_names.csv", write.csv2, read.csv2, row.names = FALSE)
base("frame/r_write_csv2_no_quotes.csv", write.csv2, read.csv2, row.names = FALSE, quote = FALSE)
base("frame/r_write_table_tab.tsv", write.table, read.delim, sep = "\t")  # the header is one shorter than the rows
base("frame/r_write_table_tab_no_quotes.tsv", write.table, read.delim, sep = "\t", quote = FALSE)
base("frame/r_write_table_comma.csv", write.table, read.csv, sep = ",")
base("frame/r_write_table_col_names_na.csv", write.table, read.csv, sep = ",", col.names = NA)
base("frame/r_write_table_pipe.csv", write.table, function(f) read.table(f, sep = "|", header = TRUE), sep = "|")
base("frame/r_write_table_semicolon_commas.csv", write.table, read.csv2, sep = ";", dec = ",")
base("decimal_commas/r_write_table_tab_commas.tsv", write.table, read.delim2, sep = "\t", dec = ",", row.names = FALSE)
base("decimal_commas/r_write_table_pipe_commas.csv", write.table,
     function(f) read.table(f, sep = "|", header = TRUE, dec = ","), sep = "|", dec = ",", row.names = FALSE)
packed <- gzfile("gzip/r_write_csv.csv.gz", "wb")
write.csv(frame, packed, row.names = FALSE)
close(packed)
same(read.csv("gzip/r_write_csv.csv.gz"), "gzip/r_write_csv.csv.gz")

# ids that are row names
named <- frame[, -1]
rownames(named) <- frame$id
named_back <- function(file, reader, ...) same(reader(file, row.names = 1, ...), file)
write.csv(named, "row_names/r_write_csv.csv")
named_back("row_names/r_write_csv.csv", read.csv)
write.csv2(named, "row_names/r_write_csv2.csv")
named_back("row_names/r_write_csv2.csv", read.csv2)
write.csv(named, "row_names/r_write_csv_no_quotes.csv", quote = FALSE)
write.table(named, "row_names/r_write_table_tab.tsv", sep = "\t")
same(read.delim("row_names/r_write_table_tab.tsv"), "row_names/r_write_table_tab.tsv")
write.table(named, "row_names/r_write_table_comma.csv", sep = ",")
write.table(named, "row_names/r_write_table_comma_no_quotes.csv", sep = ",", quote = FALSE)
write.table(named, "row_names/r_write_table_pipe.csv", sep = "|")
write.table(named, "row_names/r_write_table_semicolon_commas.csv", sep = ";", dec = ",")
write.table(named, "row_names/r_write_table_col_names_na.tsv", sep = "\t", col.names = NA)
fwrite(named, "row_names/data_table_fwrite_row_names.csv", row.names = TRUE)
write.csv(frame[, -1], "row_numbers/r_from_1.csv")
write.table(frame[, -1], "row_numbers/r_from_1_header_one_shorter.tsv", sep = "\t")

# read with its row names as a column, and written again: X, X.1; readr calls a column without a name ...1
write.csv(frame, "saved_twice/r_x.csv")
write.csv(read.csv("saved_twice/r_x.csv"), "saved_twice/r_x.csv", row.names = FALSE)
twice <- suppressMessages(read_csv("frame/r_write_csv.csv", show_col_types = FALSE))
write_csv(twice, "saved_twice/readr_dots_1.csv")

# data.table
table <- as.data.table(frame)
for (case in list(list("frame/data_table_fwrite.csv"), list("frame/data_table_fwrite_tab.tsv", sep = "\t"),
                  list("frame/data_table_fwrite_pipe.csv", sep = "|"),
                  list("frame/data_table_fwrite_na.csv", na = "NA"),
                  list("frame/data_table_fwrite_bom_crlf.csv", bom = TRUE, eol = "\r\n"),
                  list("frame/data_table_fwrite_quoted.csv", quote = TRUE),
                  list("frame/data_table_fwrite_semicolon_commas.csv", sep = ";", dec = ","),
                  list("frame/data_table_fwrite_logical01.csv", logical01 = TRUE),
                  list("frame/data_table_fwrite_scientific.csv", scipen = -50),
                  list("frame/data_table_fwrite_row_names.csv", row.names = TRUE),
                  list("gzip/data_table_fwrite.csv.gz", compress = "gzip"))) {
  do.call(fwrite, c(list(table), case))
  dec <- if (is.null(case$dec)) "." else case$dec
  back <- if (grepl("gz$", case[[1]])) read.csv(case[[1]]) else fread(case[[1]], dec = dec, na.strings = c("", "NA"),
                                                                      integer64 = "double")
  same(back, case[[1]])
}
fwrite(table[1:8], "yaml_header/data_table_fwrite_yaml.csv", yaml = TRUE)

# readr
quiet <- function(reader) function(file) suppressMessages(reader(file, show_col_types = FALSE))
write_csv(frame, "frame/readr_write_csv.csv")
same(quiet(read_csv)("frame/readr_write_csv.csv"), "frame/readr_write_csv.csv")
write_tsv(frame, "frame/readr_write_tsv.tsv")
same(quiet(read_tsv)("frame/readr_write_tsv.tsv"), "frame/readr_write_tsv.tsv")
write_excel_csv(frame, "frame/readr_write_excel_csv.csv")  # with a byte order mark
write_csv2(frame, "frame/readr_write_csv2.csv")
same(quiet(read_csv2)("frame/readr_write_csv2.csv"), "frame/readr_write_csv2.csv")
write_excel_csv2(frame, "frame/readr_write_excel_csv2.csv")
write_delim(frame, "frame/readr_write_delim_pipe.csv", delim = "|", quote = "all")
write_csv(frame, "gzip/readr_write_csv.csv.gz")

# no header; blanks between the cells; encodings; what is no text
write.table(frame, "no_header/r_col_names_false.csv", sep = ",", col.names = FALSE, row.names = FALSE)
write.table(frame, "no_header/r_col_names_false_row_names.csv", sep = ",", col.names = FALSE)
write.table(frame[1:8, ], "blanks/r_write_table.txt")  # R's default
write.table(frame[1:8, ], "blanks/r_write_table_no_row_names.txt", row.names = FALSE, quote = FALSE)
commas <- data.frame(id = frame$id[1:8], note = "yes, both", value = frame$weight[1:8], label = rep(0:1, 4))
write.table(commas, "blanks/r_write_table_commas_inside.txt", row.names = FALSE)
capture <- capture.output(print(frame[1:8, c("id", "age", "weight", "label")], row.names = FALSE))
writeLines(capture, "blanks/r_print.txt")
umlauts <- data.frame(id = sprintf("E%02d", 1:12), Ort = rep(c("K\u00f6ln", "Z\u00fcrich", "Bonn"), 4),
                      label = rep(0:1, 6))
umlauts[["Gr\u00f6\u00dfe"]] <- 150 + 3.5 * (0:11)
write.csv(umlauts, "encodings/r_latin1.csv", row.names = FALSE, fileEncoding = "latin1")
write.csv2(umlauts, "encodings/r_cp1252_csv2.csv", row.names = FALSE, fileEncoding = "CP1252")
write.csv(umlauts, "encodings/r_utf16le.csv", row.names = FALSE, fileEncoding = "UTF-16LE")
saveRDS(frame[1:8, ], "other_formats/r.rds")
save(frame, file = "other_formats/r.RData")
dump("commas", "other_formats/r_dump.R")

# a matrix of genes by samples, whose row names are the genes
samples <- sprintf("S%02d", 1:12)
matrix <- matrix(round(((1:240 * 7919) %% 1000) / 100, 2), 20, dimnames = list(sprintf("ENSG%05d", 1:20), samples))
write.csv(matrix, "transposed_r/r_write_csv_matrix.csv")
write.table(matrix, "transposed_r/r_write_table_matrix.tsv", sep = "\t", quote = FALSE)
write.csv(data.frame(id = samples, label = rep(0:1, 6)), "transposed_r/outcome.csv", row.names = FALSE)
write.csv(t(matrix), "samples_by_genes_r/r_write_csv_t.csv")
write.table(t(matrix), "samples_by_genes_r/r_write_table_t.tsv", sep = "\t", quote = FALSE)
invisible(file.copy("transposed_r/outcome.csv", "samples_by_genes_r/outcome.csv", overwrite = TRUE))

# logical columns, factors, dates and times as R writes them
kinds <- data.frame(id = sprintf("K%02d", 1:10), truth = rep(c(TRUE, FALSE, NA, FALSE, TRUE), 2),
                    letters = rep(c("T", "F"), 5), yes = rep(c("yes", "no", NA, "no", "yes"), 2),
                    arm = factor(rep(c("drug", "placebo"), 5)), day = as.Date("2024-02-27") + 0:9,
                    moment = as.POSIXct("2024-02-27 08:15:00", tz = "UTC") + 111600 * (0:9),
                    code = rep(c(1, 10, 2), length.out = 10), label = rep(0:1, 5))
write.csv(kinds, "types_r/r_write_csv.csv", row.names = FALSE)
write.csv2(kinds, "types_r/r_write_csv2.csv", row.names = FALSE)
fwrite(kinds, "types_r/data_table_fwrite.csv")
write_csv(kinds, "types_r/readr_write_csv.csv")
# what R itself makes of frame/: known cells and their sum
back <- read.csv("frame/r_write_csv_no_row_names.csv")
dir.create("expected", showWarnings = FALSE)
writeLines(c("column,known,sum", sprintf("%s,%d,%.17g", numbers, sapply(back[numbers], function(x) sum(!is.na(x))),
                                         sapply(back[numbers], sum, na.rm = TRUE))), "expected/frame_read_by_r.csv")
for (package in c("base", "data.table", "readr")) cat(package, format(packageVersion(package)), "\n")
