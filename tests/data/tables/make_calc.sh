#!/usr/bin/env bash
# tests/data/tables/make_calc.sh - the tables that LibreOffice Calc exports: separators, encodings, quotes, German
# decimal commas, rows of separators, figures as shown, ods and xls. Run it after make_pandas.py.
# Usage: make_calc.sh [PYTHON]     a Python that has pandas and openpyxl; needs soffice
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${1:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Two users: one of the USA, one of Germany, whose decimals are commas and whose booleans are WAHR and FALSCH.
mkdir -p "$work/us/user" "$work/de/user"
cat > "$work/de/user/registrymodifications.xcu" <<'XCU'
<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>de-DE</value></prop></item>
</oor:items>
XCU

"$python" - "$here" "$work" <<'PY'
import sys
import openpyxl
import pandas as pd

here, work = sys.argv[1:]
frame = pd.read_csv(f"{here}/frame/pandas_plain.csv", parse_dates=["visit"])
frame["visit"] = frame["visit"].dt.date
frame.to_excel(f"{work}/frame.xlsx", index=False)
umlauts = pd.read_csv(f"{here}/umlauts/pandas_utf8.csv")
umlauts.to_excel(f"{work}/umlauts.xlsx", index=False)
umlauts.assign(Ort=["Köln", "Zürich", "Münster – „Mitte“"] * 4).to_excel(f"{work}/western.xlsx", index=False)

# As a sheet whose formulas reach further down and to the right than its data.
trailing = openpyxl.load_workbook(f"{work}/frame.xlsx")
sheet = trailing.active
for row in range(26, 31):
    for column in range(1, 13):
        sheet.cell(row, column, '=IF(1=1,"","")')
trailing.save(f"{work}/trailing_rows.xlsx")
for row in range(1, 31):
    for column in (13, 14):
        sheet.cell(row, column, '=IF(1=1,"","")')
trailing.save(f"{work}/trailing_rows_and_columns.xlsx")

# As shown: two decimals, thousands, dates the German way, shares in per cent.
shown = openpyxl.Workbook()
sheet = shown.active
sheet.append(["id", "income", "weight", "share", "day", "label"])
for k in range(8):
    sheet.append([f"T{k + 1}", [1234.5, 987.25, 1234567, 56789.75, 23456.5, 4321, 999.5, 87654.25][k],
                  60 + 3.456 * k, 0.07 * k, frame["visit"][k], k % 2])
    for column, form in ((2, "#,##0.00"), (3, "0.0"), (4, "0%"), (5, "dd.mm.yyyy")):
        sheet.cell(k + 2, column).number_format = form
shown.save(f"{work}/shown.xlsx")
for k in range(8):
    sheet.cell(k + 2, 2, [1234, 987, 1567, 5678, 2345, 4321, 1999, 8765][k]).number_format = "#,##0"
shown.save(f"{work}/whole.xlsx")
PY

# convert USER SHEET TOKENS TO: one sheet to a text table. Tokens: separator, quote, encoding (76 UTF-8, 1 Windows-1252,
# 2 Macintosh, 12 ISO-8859-1, 65535 UTF-16), first line, columns, language, quote all text, bare numbers, as shown.
convert() {
  mkdir -p "$here/$(dirname "$4")"
  soffice "-env:UserInstallation=file://$work/$1" --headless --convert-to "csv:Text - txt - csv (StarCalc):$3" \
    --outdir "$work/out" "$work/$2.xlsx" > "$work/log" 2>&1
  mv "$work/out/$2.csv" "$here/$4"
}
convert us frame 44,34,76,1,,0,false,true,false frame/calc_comma.csv
convert us frame 9,34,76,1,,0,false,true,false frame/calc_tab.tsv
convert us frame 59,34,76,1,,0,false,true,false frame/calc_semicolon_points.csv
convert us frame 124,34,76,1,,0,false,true,false frame/calc_pipe.csv
convert us frame 44,34,76,1,,0,true,true,false frame/calc_text_quoted.csv
convert us frame 44,34,76,1,,0,false,false,false frame/calc_numbers_quoted.csv
convert de frame 59,34,76,1,,0,false,true,false frame/calc_german_semicolon.csv
convert de frame 59,34,76,1,,0,true,false,false frame/calc_german_all_quoted.csv
convert de frame 44,34,76,1,,0,false,true,false decimal_commas/calc_german_comma.csv
convert de frame 9,34,76,1,,0,false,true,false decimal_commas/calc_german_tab.tsv
convert us umlauts 44,34,76,1,,0,false,true,false umlauts/calc_utf8.csv
convert us western 59,34,1,1,,0,false,true,false encodings/calc_cp1252.csv
convert us western 44,34,12,1,,0,false,true,false encodings/calc_latin1.csv
convert us western 44,34,2,1,,0,false,true,false encodings/calc_macintosh.csv
convert us umlauts 9,34,65535,1,,0,false,true,false encodings/calc_utf16_tab.csv
convert us trailing_rows 44,34,76,1,,0,false,true,false trailing/calc_comma.csv
convert us trailing_rows 9,34,76,1,,0,false,true,false trailing/calc_tab.tsv
convert us trailing_rows 44,34,76,1,,0,true,true,false trailing/calc_text_quoted.csv
convert de trailing_rows 59,34,76,1,,0,false,true,false trailing/calc_german_semicolon.csv
convert us trailing_rows_and_columns 44,34,76,1,,0,false,true,false trailing/calc_rows_and_columns.csv
convert us frame 44,34,76,1,,0,false,true,true frame/calc_as_shown.csv
convert de frame 59,34,76,1,,0,false,true,true frame/calc_german_as_shown.csv
convert us shown 44,34,76,1,,0,false,true,true thousands/calc_as_shown.csv
convert de shown 59,34,76,1,,0,false,true,true thousands/calc_german_as_shown.csv
convert us shown 9,34,76,1,,0,false,true,true thousands/calc_as_shown_tab.tsv
convert us whole 44,34,76,1,,0,false,true,true thousands/calc_whole_as_shown.csv
convert de whole 59,34,76,1,,0,false,true,true thousands/calc_german_whole_as_shown.csv
convert us shown 44,34,76,1,,0,false,true,false percent/calc_comma.csv
convert de shown 59,34,76,1,,0,false,true,false percent/calc_german_semicolon.csv

for kind in ods:calc8 'xls:MS Excel 97' 'xlsx:Calc MS Excel 2007 XML' 'fods:OpenDocument Spreadsheet Flat XML' \
            'html:HTML (StarCalc)' 'dif:DIF' 'pdf:calc_pdf_Export'; do
  soffice "-env:UserInstallation=file://$work/us" --headless --convert-to "$kind" --outdir "$work/out" \
    "$work/umlauts.xlsx" > "$work/log" 2>&1
  mv "$work/out/umlauts.${kind%%:*}" "$here/other_formats/calc.${kind%%:*}"
done
soffice --version
