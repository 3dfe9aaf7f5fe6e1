"""``make demo``: the main job on real input, with the same commands that a person would type.

The example documents of this project are always checked. Where third-party material is at hand (``EGISZ_SHARED`` or a
folder ``shared`` beside the checkout), the Ministry's packs and the reference books from there are installed and its
documents are checked as well. Everything is written below ``build/demo``; the user's own data folder is not touched.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import demo_service
from demo_service import Failed

from adapter.findings import Text
from adapter.settings import settings

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples" / "documents"
BUNDLES = ROOT / "examples" / "bundles"
REGISTERS = ROOT / "examples" / "registers"
BROKEN = EXAMPLES / "170-broken.xml"
SHARED = Path(os.environ.get("EGISZ_SHARED", ROOT.parent / "shared"))


def say(ru: str, en: str) -> None:
    """A line of the demonstration itself."""
    print(f"\n── {Text(ru, en).get(settings().lang)}", flush=True)


def name(path: Path) -> str:
    """The path as a person would type it from the checkout."""
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT.parent) else str(path)


class Demo:
    """Runs ``egisz`` with its own data folder and holds every exit code to what is expected."""

    def __init__(self, build: Path) -> None:
        self.build = build
        self._data = build / "egisz-data"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("EGISZ_") or key == "EGISZ_LANG"}
        self._environment = {**kept, "EGISZ_DATA": str(self._data), "EGISZ_CACHE": str(build / "cache")}

    def egisz(self, *arguments: str | Path, expected: Sequence[int] = (0,)) -> int:
        """Print a command, run it, give its exit code.

        Raises:
            Failed: the code is not one of ``expected``.
        """
        words = [name(word) if isinstance(word, Path) else word for word in arguments]
        print(f"\n$ egisz {shlex.join(words)}", flush=True)
        command = [str(Path(sys.executable).with_name("egisz")), *words]
        code = subprocess.run(command, cwd=ROOT, env=self._environment, check=False).returncode  # noqa: S603 - our own
        if code not in expected:
            raise Failed(f"egisz {shlex.join(words)}: exit {code}, expected {' or '.join(map(str, expected))}")
        return code

    def install(self) -> None:
        """Install the packs and books that are at hand into an empty data folder; say what is not."""
        shutil.rmtree(self._data, ignore_errors=True)
        if (SHARED / "packs").is_dir():
            self.egisz("packs", "install", SHARED / "packs")
        else:
            say(
                "Пакетов Минздрава здесь нет, в проект они не входят: XSD и Schematron проверены не будут.\n"
                "   Поставить их себе: egisz packs fetch 170 204, или egisz packs install ПАПКА|ZIP\n"
                "   (docs/howto/install-packs.ru.md).",
                "The Ministry's packs are not here and not part of this project: XSD and Schematron will not be\n"
                "   checked. To install them: egisz packs fetch 170 204, or egisz packs install DIR|ZIP\n"
                "   (docs/howto/install-packs.md).",
            )
        if (SHARED / "nsi").is_dir():
            self.egisz("nsi", "import", SHARED / "nsi")
        else:
            say(
                "Справочников НСИ здесь нет: коды с ними сверены не будут.\n"
                "   Загрузить их себе: egisz nsi import ПАПКА, или egisz nsi sync OID\n"
                "   (docs/howto/reference-books.ru.md).",
                "The reference books of НСИ are not here: codes will not be compared with them.\n"
                "   To load them: egisz nsi import DIR, or egisz nsi sync OID\n"
                "   (docs/howto/reference-books.md).",
            )

    def documents(self) -> None:
        """Check our own documents."""
        good = sorted(set(EXAMPLES.glob("*.xml")) - {BROKEN})
        say("Два исправных документа: код возврата 0.", "Two good documents: exit code 0.")
        self.egisz("check", *good)
        say(
            "Документ с намеренными ошибками: код возврата 1, так и должно быть.",
            "A document that is broken on purpose: exit code 1, as it should be.",
        )
        self.egisz("check", BROKEN, expected=(1,))
        say("Тот же отчёт страницей HTML и в JSON.", "The same report as an HTML page and as JSON.")
        for form in ("html", "json"):
            report = self.build / f"report.{form}"
            self.egisz("check", EXAMPLES, "--format", form, "--output", report, expected=(1,))
            print(name(report))

    def bundles(self) -> None:
        """Convert our own Bundles and check what is made."""
        found = sorted(BUNDLES.glob("*.json"))
        if not found:
            return
        say(
            "Преобразование Bundle FHIR в СЭМД. Отказ от прививки и прививка со слов пациента документов не дают.",
            "Converting FHIR Bundles to СЭМД. A refused vaccination, and a reported one, yield no document.",
        )
        self.egisz("convert", *found, "--out", self.build / "documents", expected=(0, 1))
        print(name(self.build / "documents"))

    def service(self) -> None:
        """Send our own Bundles through the service to a stand of РЭМД and of registers."""
        say(
            "Весь путь: Bundle → служба → подпись → стенд РЭМД на этой машине → номер. Потом, когда в настройках\n"
            "   организации включены регистры, один Bundle — это документ и сообщения трёх регистров.",
            "The whole path: Bundle → service → signature → a stand of РЭМД on this machine → number. Then, once the\n"
            "   organisation's file switches registers on, one Bundle is a document and messages of three registers.",
        )
        installed = {"EGISZ_PACKS": str(self._data / "packs"), "EGISZ_NSI": str(self._data / "nsi")}
        messages = [REGISTERS / name for name in ("day-r4.json", "worker-r4-new.json")]
        demo_service.run(sorted(BUNDLES.glob("*.json")), messages, {**self._environment, **installed}, self.build)

    def third_party(self) -> None:
        """Check the documents of the shared folder, errors in them being theirs."""
        documents = sorted((SHARED / "examples").glob("*.xml"))
        if not documents:
            return
        say(f"Документы из {name(SHARED / 'examples')}.", f"Documents of {name(SHARED / 'examples')}.")
        self.egisz("check", *documents, expected=(0, 1))


def main() -> None:
    """Run it all; the optional argument is the folder to write to."""
    demo = Demo(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "demo").resolve())
    demo.build.mkdir(parents=True, exist_ok=True)
    say(
        f"Проверка СЭМД. Всё, что создаётся, лежит в {name(demo.build)}.",
        f"Checking СЭМД. Everything that is made lies in {name(demo.build)}.",
    )
    demo.install()
    demo.documents()
    demo.bundles()
    demo.third_party()
    demo.service()
    say(
        f"Готово. Откройте {name(demo.build / 'report.html')} в браузере.",
        f"Done. Open {name(demo.build / 'report.html')} in a browser.",
    )


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"demo: {error}")
