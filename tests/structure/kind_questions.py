"""tests/structure/kind_questions.py - nowhere but in its own folder is a kind of system, or of target, asked for.

  kind_questions.py ROOT      checks engine and host
  kind_questions.py --self    checks the check: questions planted in small trees must be found

What depends on the kind of model is an answer of System (engine/systems/system.h), what depends on the kind of target
one of Likelihood (engine/likelihood/likelihood.h).
"""

import re
import sys
import tempfile
from pathlib import Path

SOURCES = {".h", ".cuh", ".cpp", ".cu"}
SYSTEMS, LIKELIHOODS = Path("engine/systems"), Path("engine/likelihood")
TABLES = {SYSTEMS / "systems.cpp", LIKELIHOODS / "likelihood.cpp"}


def without_comments(text):
    """The same lines, comments blank; good enough for code that holds no // in a string."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
    return re.sub(r"//[^\n]*", "", text)


def names_of(root):
    """Kinds of systems and the types of each, and names of likelihoods."""
    kinds = sorted(p.name for p in (root / SYSTEMS).iterdir() if p.is_dir())
    types = {kind: set() for kind in kinds}
    for kind in kinds:
        for path in (root / SYSTEMS / kind).glob("*.h"):
            found = re.findall(r"^\s*(?:struct|class) (\w+(?:Model|System))\b", path.read_text(encoding="utf-8"), re.M)
            types[kind] |= set(found)
    likelihoods = []
    for path in sorted((root / LIKELIHOODS).glob("*.cpp")):
        text = path.read_text(encoding="utf-8")
        likelihoods += re.findall(r'name\(\) const override \{ return "(\w+)"; \}', text)
    return kinds, types, likelihoods


def questions(root):
    kinds, types, likelihoods = names_of(root)
    if not kinds or not likelihoods:
        return [f"no kinds under {SYSTEMS}, or no names under {LIKELIHOODS}"]
    found = []
    words = "|".join(map(re.escape, [*kinds, *likelihoods]))
    everywhere = [(r"\bdynamic_cast\b", "a cast that asks for a kind"),
                  (r'"(?:%s)"' % words, "a kind by its name"),
                  (r"\bof_kind\s*<", "a kind that the caller believes to know"),
                  (r"\b(?:get_if|holds_alternative)\s*<\s*(?:\w+::)*\w*(?:Model|System)\b", "a variant of models")]
    all_types = sorted(t for some in types.values() for t in some)
    if all_types:
        everywhere.append((r"\b(?:%s)\b" % "|".join(all_types), "a type of one system"))
    for folder in ("engine", "host"):
        for path in sorted(p for p in (root / folder).rglob("*") if p.suffix in SOURCES):
            name = path.relative_to(root)
            if name in TABLES or name.parent == LIKELIHOODS:
                continue
            own = name.parts[2] if name.parts[:2] == SYSTEMS.parts and len(name.parts) > 3 else None
            for number, line in enumerate(without_comments(path.read_text(encoding="utf-8")).splitlines(), 1):
                if re.match(r"\s*#\s*include", line):
                    continue
                for pattern, what in everywhere:
                    asked = re.search(pattern, line)
                    if not asked or own and (asked[0] == f'"{own}"' or asked[0] in types[own] or "of_kind" in asked[0]):
                        continue
                    if name == SYSTEMS / "system.h" and "of_kind" in asked[0]:
                        continue  # where it is defined
                    found.append(f"{name.as_posix()}:{number}: {what}: {line.strip()}")
    return found


def plant(files):
    tree = {"engine/systems/gan/gan.h": "struct GanModel {};\n", "engine/systems/net/net.h": "class NetSystem {};\n",
            "engine/likelihood/odds.cpp": 'std::string_view name() const override { return "odds"; }\n', **files}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return questions(Path(folder))


def check_self():
    wrong = []
    planted = {
        "host/run/a.cpp": 'if (system.kind() == "gan") return;\n',
        "host/run/b.cpp": "const auto* m = std::get_if<SomeModel>(&model);\n",
        "engine/train/c.cpp": "if (dynamic_cast<const Other*>(&s)) return;\n",
        "engine/train/d.cpp": "GanModel m;\n",
        "engine/systems/gan/e.cpp": "NetSystem other;\n",
        "host/data/f.cpp": 'if (target.likelihood->name() == "odds") return;\n',
        "host/data/g.cpp": "use(of_kind<Some>(*system));\n",
    }
    for name, text in planted.items():
        if len(plant({name: text})) != 1:
            wrong.append(f"not found once: {name}: {text.strip()}")
    clean = {"host/run/a.cpp": '// "gan" is asked for nowhere\nif (a->kind() != b->kind()) return;\n',
             "engine/systems/gan/b.cpp": 'GanModel m; use("gan", of_kind<GanModel>(s));\n',
             "engine/systems/systems.cpp": "static const NetSystem net;\n"}
    if plant(clean):
        wrong.append(f"a clean tree was refused: {plant(clean)}")
    return wrong


def main(argument):
    found = check_self() if argument == "--self" else questions(Path(argument))
    print("\n".join(found) if found else "no kind is asked for outside its folder")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
