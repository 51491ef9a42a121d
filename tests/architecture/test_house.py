"""The house's rules that a reader of the tree can check."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from compat_rest.otao import errors as otao
from domain.kernel.errors import DomainError, ErrorCode
from domain.kernel.permissions import DEVICE_PERMISSIONS, ROLE_PERMISSIONS, Permission, Role
from graph.http_statuses import HTTP_STATUSES
from oktograph.web import oauth

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("domain", "graph", "drivers", "compat_rest", "oktograph", "migrations")
MAX_LINES: Final = 400

PUBLIC: Final = {
    **dict.fromkeys(
        (
            f"graph.catalog.resolvers.{name}"
            for name in (
                *("cloud_endpoints", "sites", "variants"),
                *("cloud_endpoint", "site", "variant"),
            )
        ),
        "catalogues are read before anybody has a token",
    ),
    **dict.fromkeys(
        (
            f"graph.identity.resolvers.oauth.{name}"
            for name in ("introspect_token", "issue_tokens", "revoke_token")
        ),
        "the request itself names the client and shows its secret",
    ),
    "graph.gateways.resolvers.provisioning.provision_gateway": "a gateway shows its one-time token",
    "graph.gateways.resolvers.provisioning.provisioning_package": "the link is what opens it",
    "graph.identity.resolvers.customers.sign_in_information": "one asks it to be able to log in",
    "graph.fleet.resolvers.config_files.open_config_file_link": "the link is what permits",
    "graph.identity.resolvers.installation.open_backup": "the link is signed, and soon over",
    "graph.identity.resolvers.users.login": "nobody has a token yet",
    **dict.fromkeys(
        (f"graph.jobs.resolvers.exports.{name}" for name in ("download_export", "download_scans")),
        "the link is signed, and is all that one needs",
    ),
    "graph.software.resolvers.files.download_by_link": "the link itself is signed",
    "graph.line.resolvers.edge.health": "a load balancer has none",
    "graph.line.resolvers.edge.plc_catalogue": "a catalogue is read before anybody has a token",
    "graph.line.resolvers.edge.printer_catalogue": "a catalogue is read before anybody has a token",
    "graph.line.resolvers.edge.scanner_catalogue": "a catalogue is read before anybody has a token",
}
"""Resolvers that answer anybody, and why."""

COMMITS: Final = {
    "domain/kernel/uow.py": "the unit of work",
    "domain/kernel/database.py": "where read sessions refuse to",
    "domain/production/repository/scan_store_postgres.py": "the hot path",
    "domain/production/repository/scan_store_sqlite.py": "the hot path",
    "migrations/__init__.py": "the schema's own transactions",
}
"""Files that may end or begin a transaction, and why."""


def sources(*packages: str) -> Iterator[Path]:
    for package in packages or PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def takes_context(function: ast.AsyncFunctionDef | ast.FunctionDef) -> bool:
    first = next(iter(function.args.args), None)
    return first is not None and ast.unparse(first.annotation or ast.Name("")) == "Context"


def resolver_files() -> list[Path]:
    """A context's one module, or the modules of its package."""
    graph = ROOT / "graph"
    return sorted([*graph.glob("*/resolvers.py"), *graph.glob("*/resolvers/[a-z]*.py")])


def resolvers() -> Iterator[tuple[str, ast.AsyncFunctionDef]]:
    """Every public coroutine function of a resolvers module that takes a Context."""
    for path in resolver_files():
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.AsyncFunctionDef) and not node.name.startswith("_"):
                assert takes_context(node), f"{module}.{node.name}"
                yield f"{module}.{node.name}", node


def first_statement(function: ast.AsyncFunctionDef) -> str:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return ast.unparse(body[0])


RESOLVERS = dict(resolvers())


def test_resolvers_were_found() -> None:
    assert len(RESOLVERS) > 40
    assert PUBLIC.keys() <= RESOLVERS.keys()


@pytest.mark.parametrize("name", sorted(RESOLVERS.keys() - PUBLIC.keys()))
def test_the_first_line_of_a_resolver_authorises(name: str) -> None:
    first = first_statement(RESOLVERS[name])
    permitted = first.startswith("context.actor.require(Permission.")
    assert permitted or first == "context.actor.require_known()", first


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_resolver_says_so(name: str) -> None:
    assert (ast.get_docstring(RESOLVERS[name]) or "").startswith("Public.")


def test_no_resolver_calls_another() -> None:
    names = {name.rpartition(".")[2] for name in RESOLVERS}
    for name, function in RESOLVERS.items():
        called = {
            node.func.id
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & names, name


def ends_transactions(tree: ast.AST) -> bool:
    """Whether something is committed or a transaction is opened, in SQL or by a call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "begin_nested"):
            return True
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "commit":
            return True
        if isinstance(node, ast.Attribute) and node.attr == "transaction":
            return ast.unparse(node).startswith("connection.")
        if isinstance(node, ast.Constant) and node.value in ("COMMIT", "BEGIN IMMEDIATE"):
            return True
    return False


def test_only_the_unit_of_work_and_the_scan_stores_commit() -> None:
    found = {name_of(path) for path in sources() if ends_transactions(ast.parse(path.read_text()))}
    assert found <= COMMITS.keys(), found - COMMITS.keys()


def test_operations_and_repositories_open_no_unit_of_work() -> None:
    for path in sources("domain"):
        if "operations" in path.parts or "repository" in path.parts or path.stem == "operations":
            text = path.read_text()
            assert "transactions.begin(" not in text, name_of(path)


def test_the_domain_knows_no_status_codes() -> None:
    statuses = {*range(400, 432), *range(500, 512)}
    words = {"status_code", "HTTPStatus", "HTTPException"}
    for path in sources("domain"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Name | ast.Attribute):
                name = node.id if isinstance(node, ast.Name) else node.attr
                assert name not in words, name_of(path)
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant):
                assert node.value.value not in statuses, name_of(path)
    for error in DomainError.__subclasses__():
        assert not {"status", "status_code", "http_status"} & set(dir(error))


def test_nothing_is_swallowed_whole() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or ast.unparse(node.type) in (
                    "Exception",
                    "BaseException",
                )
                silent = all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
                assert not (broad and silent), f"{name_of(path)}:{node.lineno}"


def test_suppressing_names_what_is_expected() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
                given = {ast.unparse(argument) for argument in node.args}
                assert not given & {"Exception", "BaseException"}, f"{name_of(path)}:{node.lineno}"


def test_files_are_short() -> None:
    """Revisions of the tables are generated, and never read in one piece."""
    written = [path for path in sources() if path.parent.name != "versions"]
    long = {name_of(path): len(path.read_text().splitlines()) for path in written}
    assert not {name: lines for name, lines in long.items() if lines >= MAX_LINES}


def test_nothing_sleeps_in_wall_clock_or_prints_in_the_domain() -> None:
    for path in sources("domain"):
        text = path.read_text()
        assert "time.sleep(" not in text, name_of(path)
        assert "print(" not in text, name_of(path)


@pytest.mark.parametrize(
    "table",
    [HTTP_STATUSES, otao.STATUSES, oauth.STATUSES],
    ids=["most faces", "otao", "oauth"],
)
def test_a_table_of_statuses_is_total(table: dict[ErrorCode, int]) -> None:
    assert set(table) == set(ErrorCode)
    assert all(400 <= status < 600 for status in table.values())


def test_every_code_has_an_error_that_carries_it() -> None:
    errors: list[type[DomainError]] = [DomainError, *DomainError.__subclasses__()]
    carried = {error.code for error in errors}
    assert carried == set(ErrorCode)


def test_every_permission_is_somebodys() -> None:
    held = frozenset().union(*(ROLE_PERMISSIONS[role] for role in Role if role is not Role.ADMIN))
    only_admin = {
        Permission.FLEET_HOST_CONTROL,
        Permission.IDENTITY_CLIENT_MANAGE,
        Permission.IDENTITY_INSTALLATION_BACKUP,
        Permission.IDENTITY_INSTALLATION_RESTART,
        Permission.IDENTITY_KEY_MANAGE,
        Permission.IDENTITY_USER_MANAGE,
        Permission.SOFTWARE_RELEASE_DELETE,
        Permission.SOFTWARE_ROLLOUT_APPROVE,
        Permission.SOFTWARE_UPDATE_REPORT,  # a device's own
    }
    assert frozenset(Permission) == ROLE_PERMISSIONS[Role.ADMIN]
    assert set(Permission) - held - DEVICE_PERMISSIONS <= only_admin
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_an_auditor_changes_nothing() -> None:
    granted = ROLE_PERMISSIONS[Role.AUDITOR]
    assert {permission.rpartition(":")[2] for permission in granted} == {"read", "export"}


def test_permissions_are_named_context_resource_action_in_order() -> None:
    names = [str(permission) for permission in Permission]
    assert names == sorted(names)
    assert all(name.count(":") == 2 for name in names)


def test_import_rules_hold() -> None:
    """The layers of pyproject.toml, by import-linter itself."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--config", "pyproject.toml", "--no-cache"],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_resolvers_know_neither_strawberry_nor_fastapi() -> None:
    for path in (ROOT / "graph").glob("*/resolvers.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            module = node.module if isinstance(node, ast.ImportFrom) else None
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in [module or "", *names]:
                assert name.partition(".")[0] not in ("strawberry", "fastapi", "starlette"), path


def test_dialects_see_resolvers_and_not_the_schema() -> None:
    allowed = ("resolvers", "graph.context", "graph.http_statuses")
    for path in sources("compat_rest"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("graph"):
                module, names = node.module or "", {alias.name for alias in node.names}
                good = module.endswith(allowed) or names == {"resolvers"}
                assert good, f"{name_of(path)}: {ast.unparse(node)}"
