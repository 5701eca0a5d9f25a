#!/usr/bin/env python3
"""tests/data/tables/make_pandas.py - invented patients (frame/), and the tables that pandas and NumPy make of them.

Run it first, then make_others.py, make_r.R and make_calc.sh, then check_tables.py. Needs numpy, pandas, openpyxl,
odfpy and pyarrow. Every figure of frame/ has at most 15 significant digits, the most that R, data.table and
LibreOffice write, so that all of them write the same numbers.
Usage: make_pandas.py
"""
import csv
import pathlib
import random

import numpy as np
import pandas as pd

HERE = pathlib.Path(__file__).resolve().parent
GZIP = {"method": "gzip", "mtime": 1}


def folder(name):
    (HERE / name).mkdir(exist_ok=True)
    return HERE / name


def make_frame():
    """24 patients, in no order of ids: whole numbers, 1 to 15 digits, far exponents, gaps, booleans, words, dates."""
    draw = random.Random(20240601)
    n = 24
    ids = [f"P{k:03d}" for k in draw.sample(range(101, 400), n)]
    crp = [float(f"{10 ** draw.uniform(-6, 6):.4g}") for _ in range(n)]
    crp[3], crp[7], crp[11] = 100000.0, 0.00002, 0.0  # R writes 1e+05 and 2e-05
    dose = [round(draw.uniform(0, 50) * 4) / 4 for _ in range(n)]
    for gap in (0, 9, 10, n - 1):
        dose[gap] = np.nan
    return pd.DataFrame({
        "id": ids,
        "age": [draw.randint(24, 91) for _ in range(n)],
        "weight": [round(draw.gauss(74, 12), 1) for _ in range(n)],
        "crp": crp,
        "ratio": [float(f"{draw.gauss(0, 1):.15g}") for _ in range(n)],
        "titre": [draw.randint(10 ** 14, 10 ** 15 - 1) if k % 3 else draw.randint(1, 999) for k in range(n)],
        "dose": dose,
        "smoker": [draw.random() < 0.4 for _ in range(n)],
        "sex": [draw.choice("fm") for _ in range(n)],
        "stage": [draw.choice(["I", "II", "III"]) for _ in range(n)],
        "visit": [str(np.datetime64("2024-01-08") + draw.randint(0, 300)) for _ in range(n)],
        "label": [k % 2 for k in draw.sample(range(n), n)],
    })


def write_frame(frame):
    to = folder("frame")
    plain = dict(index=False)
    frame.to_csv(to / "pandas_plain.csv", **plain)
    frame.to_csv(to / "pandas_index.csv")
    frame.to_csv(to / "pandas_pipe.csv", sep="|", **plain)
    frame.to_csv(to / "pandas_tab.tsv", sep="\t", **plain)
    frame.to_csv(to / "pandas_tab_index.tsv", sep="\t")
    frame.to_csv(to / "pandas_semicolon_points.csv", sep=";", **plain)
    frame.to_csv(to / "pandas_semicolon_commas.csv", sep=";", decimal=",", **plain)
    frame.to_csv(to / "pandas_semicolon_commas_index.csv", sep=";", decimal=",")
    frame.to_csv(to / "pandas_crlf.csv", lineterminator="\r\n", **plain)
    frame.to_csv(to / "pandas_cr.csv", lineterminator="\r", **plain)
    frame.to_csv(to / "pandas_all_quoted.csv", quoting=csv.QUOTE_ALL, **plain)
    frame.to_csv(to / "pandas_text_quoted.csv", quoting=csv.QUOTE_NONNUMERIC, **plain)
    frame.to_csv(to / "pandas_semicolon_commas_all_quoted.csv", sep=";", decimal=",", quoting=csv.QUOTE_ALL, **plain)
    frame.to_csv(to / "pandas_bom.csv", encoding="utf-8-sig", **plain)
    frame.to_csv(to / "pandas_float17.csv", float_format="%.17g", **plain)
    frame.to_csv(to / "pandas_float_e25.csv", float_format="%.25e", **plain)
    frame.convert_dtypes().to_csv(to / "pandas_nullable.csv", na_rep="<NA>", **plain)
    frame.astype({"smoker": int}).to_csv(to / "pandas_booleans_as_numbers.csv", **plain)
    frame.astype({"sex": "category", "stage": "category", "visit": "datetime64[s]"}).to_csv(
        to / "pandas_typed.csv", **plain)
    text = frame.to_csv(**plain)
    (to / "pandas_no_last_line_end.csv").write_text(text.rstrip("\n"))
    (to / "pandas_blank_lines.csv").write_text("\n" + text.replace("\n", "\n\n", 5) + "\n\n")


def write_sums():
    """What pandas itself makes of frame/: known cells and their sum."""
    back = pd.read_csv(HERE / "frame/pandas_plain.csv")
    with open(folder("expected") / "frame_read_by_pandas.csv", "w") as sums:
        sums.write("column,known,sum\n")
        for name in back.columns:
            if pd.api.types.is_numeric_dtype(back[name]):
                sums.write(f"{name},{back[name].count()},{float(back[name].sum()):.17g}\n")


def write_gzip(frame):
    to = folder("gzip")
    frame.to_csv(to / "pandas.csv.gz", compression=GZIP, index=False)
    frame.to_csv(to / "pandas_index.csv.gz", compression=GZIP)
    members = to / "pandas_two_members.csv.gz"  # as two runs that append to one file, or as bgzip, write it
    frame.iloc[:10].to_csv(members, compression=GZIP, index=False)
    frame.iloc[10:].to_csv(members, compression=GZIP, index=False, header=False, mode="a")


def write_row_names(frame):
    """Ids that stand in the index, whose column has no name; and an index that only counts."""
    named = frame.set_index("id")
    named.index.name = None
    to = folder("row_names")
    named.to_csv(to / "pandas_index.csv")
    named.to_csv(to / "pandas_index_tab.tsv", sep="\t")
    named.to_csv(to / "pandas_index_pipe.csv", sep="|")
    named.to_csv(to / "pandas_index_semicolon_commas.csv", sep=";", decimal=",")
    named.to_csv(to / "pandas_index_all_quoted.csv", quoting=csv.QUOTE_ALL)
    named.to_csv(to / "pandas_index.csv.gz", compression=GZIP)
    frame.drop(columns="id").to_csv(folder("row_numbers") / "pandas_from_0.csv")
    again = folder("saved_twice") / "pandas_unnamed_0.csv"
    frame.to_csv(again)
    pd.read_csv(again).to_csv(again)


def write_missing():
    """A column of numbers, one of whole numbers and one of words, each with gaps, and every spelling of a gap."""
    gaps = pd.DataFrame({
        "id": [f"M{k:02d}" for k in range(1, 11)],
        "x": [1.5, None, -2.25, 3.125, None, 0.1, 7e-3, 12.0, None, 4.75],
        "k": pd.array([3, 1, None, 4, 1, 5, None, 9, 2, 6], dtype="Int64"),
        "word": ["none", "mild", None, "none", "severe", "mild", "none", None, "mild", "severe"],
        "label": [0, 1, 0, 1, 1, 0, 1, 0, 0, 1],
    })
    to = folder("missing")
    words = {"empty": "", "na": "NA", "nan": "nan", "nan_mixed_case": "NaN", "n_slash_a": "n/a",
             "n_slash_a_upper": "N/A", "hash_na": "#N/A", "angled": "<NA>", "null": "null", "null_upper": "NULL",
             "none": "None", "point": ".", "question": "?"}
    for name, word in words.items():
        gaps.to_csv(to / f"pandas_{name}.csv", na_rep=word, index=False)
    gaps.to_csv(to / "pandas_na_quoted.csv", na_rep="NA", index=False, quoting=csv.QUOTE_ALL)
    gaps.to_csv(to / "pandas_hash_na_semicolon.csv", na_rep="#N/A", index=False, sep=";", decimal=",")
    every = sorted(pd._libs.parsers.STR_NA_VALUES)  # what pandas itself takes as missing
    rows = len(every) + 3
    table = pd.DataFrame({"id": [f"W{k:02d}" for k in range(1, rows + 1)], "x": every + ["0.5", "0.25", "-1.75"],
                          "label": [k % 2 for k in range(rows)]})
    table.to_csv(folder("missing_words") / "pandas_words.csv", index=False)


def write_numbers():
    """What doubles can hold, spelled hard; what is below them, which is 0; and what is beyond them."""
    spelled = [
        "5e-324", "2.4703282292062328e-324", "2.4703282292062327e-324", "1e-400", "-1e-400",
        "0." + "0" * 400 + "1", "2.2250738585072011e-308", "2.2250738585072014e-308", "1.7976931348623157e308",
        "1.7976931348623158e+308", "-1.7976931348623157E308", "17976931348623157" + "0" * 292, "9007199254740993",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203126", "0.1", "0.30000000000000004", "+3", "-0", "1E5",
        "1e+05", "1e05", "00012", ".5", "5.", "123456789012345678901234567890", "0e999", "7.2057594037927933e16"]
    table = pd.DataFrame({"id": [f"N{k:02d}" for k in range(1, len(spelled) + 1)], "x": spelled,
                          "label": [k % 2 for k in range(len(spelled))]})
    table.to_csv(folder("numbers") / "pandas_spelled.csv", index=False)
    with open(HERE / "numbers" / "bits.csv", "w") as bits:
        bits.write("id,hexadecimal\n" + "".join(f"{i},{float(x).hex()}\n" for i, x in zip(table["id"], table["x"])))
    table.to_csv(HERE / "numbers" / "pandas_spelled_all_quoted.csv", index=False, quoting=csv.QUOTE_ALL)
    commas = table.assign(x=table["x"].str.replace(".", ","))
    commas.to_csv(HERE / "numbers" / "pandas_spelled_commas.csv", index=False, sep=";")
    to = folder("beyond")
    few = pd.DataFrame({"id": [f"B{k}" for k in range(1, 9)], "x": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5],
                        "label": [0, 1] * 4})
    for name, value in (("1e400", "1e400"), ("minus_1e400", "-1e400"), ("just_beyond", "1.7976931348623159e308"),
                        ("400_digits", "1" + "0" * 400)):
        few.assign(x=few["x"].astype(str).where(few["id"] != "B5", value)).to_csv(to / f"pandas_{name}.csv",
                                                                                index=False)
    few.assign(x=few["x"].where(few["id"] != "B5", np.inf)).to_csv(to / "pandas_infinity.csv", index=False)
    few.assign(x=few["x"].where(few["id"] != "B5", -np.inf)).to_csv(to / "pandas_minus_infinity.csv", index=False)


def write_thousands():
    """Figures as an accountant likes them, which pandas writes when it is given them as text."""
    income = [1234.5, 987.25, 1234567.0, 56789.75, 23456.5, 4321.0, 999.5, 87654.25]
    table = pd.DataFrame({"id": [f"T{k}" for k in range(1, 9)], "income": [f"{x:,.2f}" for x in income],
                          "label": [0, 1] * 4})
    to = folder("thousands")
    table.to_csv(to / "pandas_comma.csv", index=False)  # quotes "1,234.50"
    table.to_csv(to / "pandas_tab.tsv", index=False, sep="\t")
    whole = table.assign(income=[f"{int(x):,}" for x in income])
    whole.to_csv(to / "pandas_whole.csv", index=False)  # "1,234": 1234, or 1.234 to a reader of decimal commas
    german = table.assign(income=table["income"].str.translate(str.maketrans(",.", ".,")))
    german.to_csv(to / "pandas_semicolon_german.csv", index=False, sep=";")
    swiss = table.assign(income=table["income"].str.replace(",", "'"))
    swiss.to_csv(to / "pandas_apostrophe.csv", index=False)
    french = table.assign(income=table["income"].str.translate({44: "\u202f", 46: ","}))
    french.to_csv(to / "pandas_semicolon_narrow_space.csv", index=False, sep=";")
    short = pd.DataFrame({"id": table["id"], "x": [1.234, 0.5, 12.125, 7.375, 250.0, 3.001, 1.5, 9.0],
                          "label": table["label"]})
    short.to_csv(folder("three_decimals") / "pandas_semicolon_commas.csv", index=False, sep=";", decimal=",")
    short.to_csv(HERE / "three_decimals" / "pandas_plain.csv", index=False)


def write_types():
    """Columns that are not numbers at first sight."""
    n = 12
    yes = [True, False, True, True, False, False, True, False, True, False, False, True]
    gaps = [None if k in (2, 8) else y for k, y in enumerate(yes)]
    words = lambda on, off, of=yes: [None if y is None else on if y else off for y in of]
    stamps = pd.date_range("2024-02-27 08:15:00", periods=n, freq="31h")
    table = pd.DataFrame({
        "id": [f"{k:03d}" for k in range(1, n + 1)],
        "truth": yes, "truth_gaps": pd.array(gaps, dtype="boolean"), "truth_object": pd.Series(gaps, dtype=object),
        "truth_float": [np.nan if y is None else float(y) for y in gaps], "lower": words("true", "false"),
        "letters": words("T", "F"), "yes": words("yes", "no", gaps), "german": words("ja", "nein"),
        "signs": words("+", "-"), "sex": words("female", "male"), "one_two": [2 if y else 1 for y in yes],
        "count": pd.array([5, None, 7, 0, 12, 3, None, 8, 1, 1, 4, 9], dtype="Int64"),
        "grade": pd.Categorical(["low", "mid", "high", "mid", None, "low", "low", "high", "mid", "mid", "low", "high"]),
        "code": [f"{k:02d}" for k in (1, 10, 1, 2, 2, 10, 1, 1, 2, 10, 10, 1)],
        "day": stamps.date, "moment": stamps, "moment_utc": stamps.tz_localize("UTC"), "waited": stamps - stamps[0],
        "day_german": stamps.strftime("%d.%m.%Y"), "day_american": stamps.strftime("%m/%d/%Y"),
        "share": [f"{k * 7 % 100}%" for k in range(1, n + 1)], "nothing": [np.nan] * n, "same": [4.5] * n,
        "late": [np.nan] * (n - 2) + [0.5, 1.5], "one_word": [np.nan] * (n - 1) + ["seen"],
        "below": [0.5, "<0.1", 0.25, "<0.1", 0.75, 1, 2, 3, 4, 5, 6, 7],
        "label": [k % 2 for k in range(n)],
    })
    to = folder("types")
    table.drop(columns="below").to_csv(to / "pandas_types.csv", index=False)
    table.drop(columns="below").to_csv(to / "pandas_types_all_quoted.csv", index=False, quoting=csv.QUOTE_ALL)
    table.drop(columns="below").to_csv(to / "pandas_types_pipe.csv", index=False, sep="|", na_rep="NA")
    table[["id", "below", "label"]].to_csv(folder("mixed") / "pandas_detection_limit.csv", index=False)


def write_quoted():
    """Text that holds whatever separates."""
    n = 8
    table = pd.DataFrame({
        "id": [f"Q{k}" for k in range(1, n + 1)],
        "x, in mm": [0.5, 1.25, -2.0, 3.5, 4.0, 5.75, 6.5, 7.0],
        'the "y"': [8, 7, 6, 5, 4, 3, 2, 1],
        "note": ["plain", "two\nlines", "a, b; c | d\te", 'she said "no"', "", "\r\nfirst\r\n\r\nlast", '"', " kept "],
        "z\n(second line)": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0],
        "label": [0, 1] * 4,
    })
    to = folder("quoted")
    for name, options in {"minimal.csv": {}, "all.csv": {"quoting": csv.QUOTE_ALL}, "tab.tsv": {"sep": "\t"},
                          "semicolon_commas.csv": {"sep": ";", "decimal": ","}, "pipe.csv": {"sep": "|"},
                          "crlf.csv": {"lineterminator": "\r\n"}, "index.csv": {"index": True},
                          "cr_all.csv": {"lineterminator": "\r", "quoting": csv.QUOTE_ALL},
                          "minimal.csv.gz": {"compression": GZIP}}.items():
        table.to_csv(to / f"pandas_{name}", **{"index": False, **options})
    # With CR as the end of a line pandas does not quote text that holds LF: nobody can read it, pandas neither.
    table.to_csv(folder("ragged") / "pandas_cr_line_feeds_without_quotes.csv", index=False, lineterminator="\r")


def write_refused(frame):
    to = folder("no_header")
    frame.to_csv(to / "pandas_header_false.csv", index=False, header=False)
    frame[["age", "weight", "crp", "label"]].to_csv(to / "pandas_numbers_only.csv", index=False, header=False)
    numbers = frame[["age", "weight", "crp", "label"]].to_numpy()
    np.savetxt(to / "numpy_savetxt_comma.csv", numbers, delimiter=",")
    np.savetxt(folder("comment_header") / "numpy_savetxt_header.csv", numbers, delimiter=",",
               header="age,weight,crp,label", fmt="%.15g")
    blanks = folder("blanks")
    np.savetxt(blanks / "numpy_savetxt_default.txt", numbers[:8])
    frame.head(8).to_csv(blanks / "pandas_blank.txt", sep=" ", index=False)
    (blanks / "pandas_to_string.txt").write_text(frame.head(8).to_string(index=False) + "\n")


def write_encodings():
    """A header with umlauts, and a table whose first byte that is not ASCII comes late."""
    n = 12
    head = pd.DataFrame({"id": [f"E{k:02d}" for k in range(1, n + 1)],
                         "Größe": [round(150 + 3.7 * k, 1) for k in range(n)], "Alter": [30 + 3 * k for k in range(n)],
                         "Ort": ["Köln", "Zürich", "Århus", "Łódź", "Besançon", "Bonn"] * 2, "label": [0, 1] * 6})
    late = head.rename(columns={"Größe": "Groesse"}).assign(Ort=["Bonn"] * 8 + ["Köln", "Zürich", "Bonn", "Mülheim"])
    to = folder("umlauts")
    head.to_csv(to / "pandas_utf8.csv", index=False)
    head.to_csv(to / "pandas_utf8_bom.csv", index=False, encoding="utf-8-sig")
    head.to_csv(to / "pandas_utf8_bom_semicolon.csv", index=False, encoding="utf-8-sig", sep=";", decimal=",")
    to = folder("encodings")
    western = head.assign(Ort=["Köln", "Zürich", "Århus", "Münster", "Besançon", "Bonn"] * 2)
    western.assign(Ort=["Köln „Mitte“", "50 €"] * 6).to_csv(to / "pandas_cp1252.csv", index=False, encoding="cp1252")
    western.to_csv(to / "pandas_latin1.csv", index=False, encoding="latin-1")
    western.to_csv(to / "pandas_mac_roman.csv", index=False, encoding="mac-roman")
    late.to_csv(to / "pandas_latin1_line_10.csv", index=False, encoding="latin-1")
    late.to_csv(to / "pandas_latin1_line_10.csv.gz", index=False, encoding="latin-1", compression=GZIP)
    head.assign(Ort=["Łódź", "Kraków", "Győr"] * 4).to_csv(to / "pandas_cp1250.csv", index=False, encoding="cp1250")
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        head.to_csv(to / f"pandas_{name.replace('-', '_')}.csv", index=False, encoding=name)
    whole = late.to_csv(index=False).encode()
    (to / "pandas_utf8_cut.csv").write_bytes(whole[:whole.rindex("ü".encode()) + 1])  # a copy that broke off in ü
    (to / "pandas_utf8_and_latin1.csv").write_bytes(whole + "E13,198.1,66,Düren,0\n".encode("latin-1"))
    (to / "pandas_nul.csv").write_bytes(late.to_csv(index=False).replace("ö", "oe").replace("ü", "ue").encode() +
                                        bytes(64))  # as a disk that was full leaves it


def write_transposed():
    """Expression of 30 genes in 14 samples, a gene a row, as repositories hold it, and the same turned."""
    draw = random.Random(7)
    samples = [f"GSM{1000 + k}" for k in range(14)]
    genes = [f"GENE{k:02d}" for k in range(1, 31)]
    values = pd.DataFrame([[round(draw.gauss(8, 2), 3) for _ in samples] for _ in genes], genes, samples)
    to = folder("transposed")
    values.rename_axis("gene").to_csv(to / "pandas_genes_by_samples.csv")
    values.to_csv(to / "pandas_genes_by_samples_unnamed.csv")
    values.rename_axis("gene").to_csv(to / "pandas_genes_by_samples.tsv", sep="\t")
    values.rename_axis("id").to_csv(to / "pandas_genes_by_samples_named_id.csv")
    values.rename_axis("ID_REF").to_csv(to / "pandas_genes_by_samples.csv.gz", compression=GZIP)
    pd.DataFrame({"id": samples, "label": [k % 2 for k in range(14)]}).to_csv(to / "outcome.csv", index=False)
    values.T.rename_axis("id").to_csv(folder("samples_by_genes") / "pandas_transposed_back.csv")
    values.T.to_csv(HERE / "samples_by_genes" / "pandas_transposed_back_unnamed.csv")
    (HERE / "samples_by_genes" / "outcome.csv").write_bytes((to / "outcome.csv").read_bytes())


def write_other_formats(frame):
    to = folder("other_formats")
    frame.to_parquet(to / "pandas.parquet", index=False)
    frame.to_feather(to / "pandas.feather")
    frame.to_excel(to / "pandas.xlsx", index=False)
    frame.head(8).to_excel(to / "pandas.ods", index=False)
    frame.head(8).to_json(to / "pandas_records.json", orient="records")
    frame.head(8).to_json(to / "pandas_lines.jsonl", orient="records", lines=True)
    frame.head(8).to_html(to / "pandas_html_named.xls", index=False)  # as web pages "export to Excel"
    np.save(to / "numpy.npy", frame[["age", "weight"]].to_numpy())
    for method, ending in (("zip", "zip"), ("bz2", "bz2"), ("xz", "xz")):
        frame.head(8).to_csv(to / f"pandas.csv.{ending}", index=False, compression=method)
    (to / "pandas_parquet_named.csv").write_bytes((to / "pandas.parquet").read_bytes())
    (to / "pandas_xlsx_named.csv").write_bytes((to / "pandas.xlsx").read_bytes())


def main():
    frame = make_frame()
    write_frame(frame)
    write_sums()
    write_gzip(frame)
    write_row_names(frame)
    write_missing()
    write_numbers()
    write_thousands()
    write_types()
    write_quoted()
    write_refused(frame)
    write_encodings()
    write_transposed()
    write_other_formats(frame)


if __name__ == "__main__":
    main()
