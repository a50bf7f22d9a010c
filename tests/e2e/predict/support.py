"""The helpers of the command line's tests, for this folder."""

import importlib.util
import pathlib

_path = pathlib.Path(__file__).resolve().parents[1] / "cli" / "support.py"
_spec = importlib.util.spec_from_file_location("cli_support", _path)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
_module.MEASURED_ONLY = False
Case, ROOT, rows, PROGRAM = _module.Case, _module.ROOT, _module.rows, _module.PROGRAM
table, documents = _module.table, _module.documents
