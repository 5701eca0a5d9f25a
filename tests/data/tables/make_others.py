#!/usr/bin/env python3
"""tests/data/tables/make_others.py - tables of polars, pyarrow, DuckDB, sqlite3 and git, and of public reports.

Run it after make_pandas.py. Needs polars, pyarrow, duckdb, pandas, and the commands sqlite3, git and gzip.
Usage: make_others.py
"""
import gzip
import pathlib
import shutil
import subprocess
import tempfile

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

HERE = pathlib.Path(__file__).resolve().parent
PLAIN = HERE / "frame/pandas_plain.csv"


def folder(name):
    (HERE / name).mkdir(exist_ok=True)
    return HERE / name


def make_polars():
    to = HERE / "frame"
    frame = pl.read_csv(PLAIN, try_parse_dates=True)
    frame.write_csv(to / "polars.csv")
    frame.write_csv(to / "polars_tab.tsv", separator="\t", null_value="NA")
    frame.write_csv(to / "polars_bom_crlf.csv", include_bom=True, line_terminator="\r\n")
    frame.write_csv(to / "polars_quoted.csv", quote_style="always")
    frame.write_csv(to / "polars_pipe_null.csv", separator="|", null_value="null")
    frame.write_csv(to / "polars_semicolon_commas.csv", separator=";", decimal_comma=True)
    frame.write_csv(to / "polars_scientific.csv", float_scientific=True)
    frame.write_csv(HERE / "no_header/polars_include_header_false.csv", include_header=False)
    frame.with_row_index("").write_csv(to / "polars_row_index.csv")
    frame.head(8).write_ipc(HERE / "other_formats/polars.arrow")
    frame.head(8).write_avro(HERE / "other_formats/polars.avro")


def make_pyarrow():
    to = HERE / "frame"
    table = pa.csv.read_csv(PLAIN)
    options = pa.csv.WriteOptions
    pa.csv.write_csv(table, to / "pyarrow.csv")  # quotes the header and all text
    pa.csv.write_csv(table, to / "pyarrow_semicolon.csv", options(delimiter=";"))
    pa.csv.write_csv(table, to / "pyarrow_all_quoted.csv", options(quoting_style="all_valid"))
    pa.csv.write_csv(table, to / "pyarrow_no_quotes.csv", options(quoting_style="none"))
    pa.csv.write_csv(table, HERE / "no_header/pyarrow_include_header_false.csv", options(include_header=False))
    with pa.CompressedOutputStream(HERE / "gzip/pyarrow.csv.gz", "gzip") as packed:
        pa.csv.write_csv(table, packed)
    with pa.CompressedOutputStream(HERE / "other_formats/pyarrow.csv.zst", "zstd") as packed:
        pa.csv.write_csv(table.slice(0, 8), packed)
    pa.parquet.write_table(table.slice(0, 8), HERE / "other_formats/pyarrow.parquet")


def make_data_bases():
    to = HERE / "frame"
    base = duckdb.connect()
    base.execute(f"create table patients as select * from read_csv('{PLAIN}')")
    base.execute(f"copy patients to '{to}/duckdb.csv' (header)")
    base.execute(f"copy patients to '{to}/duckdb_null_pipe.csv' (header, delimiter '|', nullstr 'NULL', force_quote *)")
    base.execute(f"copy patients to '{HERE}/gzip/duckdb.csv.gz' (header, compression gzip)")
    with tempfile.TemporaryDirectory() as at:
        script = ("create table patients(id text, age int, weight real, crp real, ratio real, titre int, dose real, "
                  f"smoker text, sex text, stage text, visit text, label int);\n"
                  f".mode csv\n.import --skip 1 {PLAIN} patients\n"
                  "update patients set dose = null where dose = '';\n.headers on\n")
        run = lambda then: subprocess.run(["sqlite3", f"{at}/p.db"], input=then, text=True, check=True,
                                          capture_output=True)
        run(script + f".once {to}/sqlite3_csv.csv\nselect * from patients;\n.mode tabs\n.nullvalue NULL\n"
            f".once {to}/sqlite3_tabs.tsv\nselect * from patients;\n"
            f".mode list\n.nullvalue ''\n.once {to}/sqlite3_list.csv\nselect * from patients;\n"
            f".mode column\n.once {HERE}/blanks/sqlite3_column.txt\n"
            "select id, age, weight, label from patients limit 8;\n")
        shutil.copy(f"{at}/p.db", HERE / "other_formats/sqlite3.db")


def make_gzip():
    """Members, the last empty as BGZF has it; and files that broke off, or hold what their name does not say."""
    to = HERE / "gzip"
    text = PLAIN.read_bytes()
    pack = lambda data: gzip.compress(data, mtime=1)
    cut = text.index(b"\n", 700) - 20  # in the middle of a line
    (to / "gzip_members_inside_a_row.csv.gz").write_bytes(pack(text[:cut]) + pack(text[cut:]))
    (to / "gzip_empty_last_member.csv.gz").write_bytes(pack(text) + pack(b""))
    (to / "gzip_named_csv.csv").write_bytes(pack(text))
    (to / "plain_named_gz.csv.gz").write_bytes(text)
    (to / "gzip_zeros_behind.csv.gz").write_bytes(pack(text) + bytes(512))  # as a tape or a dd pads; gzip -d ignores it
    with tempfile.TemporaryDirectory() as at:
        name = pathlib.Path(at) / "named_inside.csv"
        name.write_bytes(text)
        packed = subprocess.run(["gzip", "-9", "-c", name], check=True, capture_output=True).stdout
        (to / "gzip_9_with_name.csv.gz").write_bytes(packed[:4] + b"\1\0\0\0" + packed[8:])  # without the time
    broken = folder("gzip_broken")
    whole = pack(text)
    (broken / "cut.csv.gz").write_bytes(whole[:len(whole) * 2 // 3])
    (broken / "cut_in_trailer.csv.gz").write_bytes(whole[:-5])
    (broken / "crc.csv.gz").write_bytes(whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:])
    (broken / "length.csv.gz").write_bytes(whole[:-4] + bytes([whole[-4] ^ 1]) + whole[-3:])
    (broken / "second_member_cut.csv.gz").write_bytes(whole + pack(b"P999,1,2,3,4,5,6,True,m,I,2024-01-01,0\n")[:-9])
    (broken / "text_behind.csv.gz").write_bytes(whole + b"P999,1,2,3,4,5,6,True,m,I,2024-01-01,0\n")
    (broken / "header_alone.csv.gz").write_bytes(whole[:10])
    (broken / "twice.csv.gz").write_bytes(pack(whole))  # packed twice: reads as what lies in it, or is named as gzip


def make_git():
    """Unfinished merges of two people who changed the same row, as git leaves them, with what was before or not."""
    rows = PLAIN.read_text().splitlines()[:13]
    for style, line_end in (("merge", "\n"), ("diff3", "\n"), ("merge", "\r\n")):
        with tempfile.TemporaryDirectory() as at:
            git = lambda *words, check=True: subprocess.run(
                ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", f"merge.conflictStyle={style}",
                 "-c", "core.autocrlf=false", *words], cwd=at, check=check, capture_output=True)
            table = pathlib.Path(at) / "patients.csv"

            def commit(age, note):
                changed = list(rows)
                changed[6] = changed[6].split(",")[0] + f",{age}," + ",".join(changed[6].split(",")[2:])
                table.write_bytes((line_end.join(changed) + line_end).encode())
                git("add", "."), git("commit", "-m", note)

            git("init", "-b", "main")
            commit(50, "patients")
            git("checkout", "-b", "recount")
            commit(51, "recount")
            git("checkout", "main")
            commit(52, "correct an age")
            git("merge", "recount", check=False)
            name = f"git_{style}{'_crlf' if line_end != chr(10) else ''}.csv"
            marks = table.read_bytes()
            assert marks.count(b"<<<<<<<") == 1, name
            # the marked commit of diff3 depends on the time
            lines = [b"||||||| 1a2b3c4" + line[15:] if line.startswith(b"|||||||") else line
                     for line in marks.split(b"\n")]
            (folder("merge") / name).write_bytes(b"\n".join(lines))
    header = (HERE / "merge/git_merge.csv").read_text().split("\n")
    swapped = ["<<<<<<< HEAD", header[0], "=======", header[0].replace("age", "years"), ">>>>>>> recount"]
    (HERE / "merge/git_in_the_header.csv").write_text("\n".join(swapped + header[1:7]) + "\n")


def make_reported():
    """Tables as users of pandas, data.table, readr, Arrow and others reported them, with figures of our own."""
    read = {
        # readr 571, arrow 26743, deephaven 1800: each line, header too, ends in a separator
        "separator_ends_lines/pipe.csv": ["id|a|b|label|"] + [f"R{k}|{k}.5|{k * k}|{k % 2}|" for k in range(1, 9)],
        "separator_ends_lines/comma.csv": ["id,a,b,label,"] + [f"R{k},{k}.5,{k * k},{k % 2}," for k in range(1, 9)],
        # pandas 41304, 15203: rows end in a separator, the header does not. No row names: the last cell of every row is
        # empty, and the first name is that of the first cell
        "separator_ends_rows/comma.csv": ["id,a,b,label"] + [f"R{k},{k}.5,{k * k},{k % 2}," for k in range(1, 9)],
        "separator_ends_rows/semicolon.csv": ['"id";"a";"b";"label"'] +
                                             [f'"R{k}";"{k},5";"{k * k}";"{k % 2}";' for k in range(1, 9)],
        # data.table 923, 2667; rainbow csv 16: more commas within the text than separators in a line
        "commas_in_text/semicolon.csv": ["id;note, free, if any;a;label"] +
                                        [f"R{k};seen, sent home, better, well;{k}.5;{k % 2}" for k in range(1, 9)],
        "commas_in_text/tab.tsv": ["id\tnote, free, if any\ta\tlabel"] +
                                  [f"R{k}\tseen, sent home, better, well\t{k}.5\t{k % 2}" for k in range(1, 9)],
        "commas_in_text/quoted_comma.csv": ['id,"note; free; if any; or none",a,label'] +
                                           [f'R{k},"seen; home; better; well",{k}.5,{k % 2}' for k in range(1, 9)],
        # data.table 4483: a column of signs is words of two values, not numbers
        "signs/comma.csv": ["id,her2,a,label"] + [f"R{k},{'+' if k % 3 else '-'},{k}.5,{k % 2}" for k in range(1, 9)],
        # readr 839: nothing in a column until late
        "late_text/comma.csv": ["id,a,word,label"] +
                               [f"R{k:02d},{k}.5,{'NA' if k < 30 else 'seen'},{k % 2}" for k in range(1, 32)],
        # ng-csv 28: the line by which Excel is told the separator
        "sep_line/semicolon.csv": ["sep=;", "id;a;b;label"] + [f"R{k};{k},5;{k * k};{k % 2}" for k in range(1, 9)],
        # blanks after separators
        "padded/comma.csv": ["id, a,  b , label"] + [f"R{k}, {k}.5,  {k * k} , {k % 2}" for k in range(1, 9)],
    }
    refused = {
        # pandas 9295: one row has a cell more
        "ragged/one_row_longer.csv": ["id,a,b,label"] + [f"R{k},{k}.5,{k * k},{k % 2}" + (",9" if k == 1 else "")
                                                         for k in range(1, 9)],
        "ragged/one_row_shorter.csv": ["id,a,b,label"] + [f"R{k},{k}.5,{k * k}" + ("" if k == 5 else f",{k % 2}")
                                                          for k in range(1, 9)],
        # every row has two cells more than the header: no row names either
        "ragged/header_two_shorter.csv": ["a,label"] + [f"R{k},{k}.5,{k * k},{k % 2}" for k in range(1, 9)],
        # readr 1539: a quote that closes nothing
        "quotes/one_too_many.tsv": ["id\tnote\ta\tlabel"] +
                                   [f'"R{k}"\t"test {k}{chr(34) if k == 3 else ""}"\t{k}.5\t{k % 2}'
                                    for k in range(1, 9)],
        "quotes/never_closed.csv": ["id,note,a,label"] +
                                   [f'R{k},{chr(34) if k == 4 else ""}note {k},{k}.5,{k % 2}' for k in range(1, 9)],
        # PapaParse 290: points between thousands and decimal commas
        "thousands/papaparse_290.csv": ["id;amount;label", "R1;-21.419,06;0", "R2;-53,9;1", "R3;1.509,88;0",
                                        "R4;-116;1", "R5;37.996,97;0", "R6;-317,94;1"],
        # lines of separators between the rows
        "gaps/separators_between_rows.csv": ["id,a,b,label", "R1,1.5,1,0", "R2,2.5,4,1", ",,,", "R3,3.5,9,0",
                                              "R4,4.5,16,1"],
        # a line above the header, as instruments write
        "preamble/title_line.csv": ["Assay of 12 March 2024", "id,a,b,label"] +
                                   [f"R{k},{k}.5,{k * k},{k % 2}" for k in range(1, 9)],
        "preamble/title_line_with_separators.csv": ["Assay of 12 March 2024,,,", "id,a,b,label"] +
                                                   [f"R{k},{k}.5,{k * k},{k % 2}" for k in range(1, 9)],
    }
    for name, lines in (read | refused).items():
        folder(name.split("/")[0])
        (HERE / name).write_text("\n".join(lines) + "\n")


def main():
    make_polars()
    make_pyarrow()
    make_data_bases()
    make_gzip()
    make_git()
    make_reported()
    print("polars", pl.__version__, "pyarrow", pa.__version__, "duckdb", duckdb.__version__, "pandas", pd.__version__)


if __name__ == "__main__":
    main()
