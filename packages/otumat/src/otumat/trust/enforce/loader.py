"""The loader of one module of a guarded distribution: it runs the bytes that were signed, or nothing."""

from __future__ import annotations

import _imp
import marshal
from _frozen_importlib import ModuleSpec  # importlib.machinery has the same and costs 1 ms

from otumat.trust.enforce.guarded import BYTECODE, EXTENSION, FOLDER, SOURCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, ModuleType

    from otumat.trust.enforce.guarded import Guarded, Module
    from otumat.trust.enforce.resources import Resources

_HEADER_BYTES = 16


class SignedLoader:
    """
    As the import system asks for it; also what `inspect`, `pkgutil` and `importlib.resources` ask of loaders.

    Attributes:
        guarded: The distribution. module: Which of its modules.
        before: Called before code runs; it puts our finder back in front, should another have gone there.
    """

    __slots__ = ("before", "guarded", "module", "name")

    def __init__(self, name: str, guarded: Guarded, module: Module, before: Callable[[], None]) -> None:
        self.name, self.guarded, self.module, self.before = name, guarded, module, before

    def spec(self) -> ModuleSpec:
        """The answer of a finder."""
        place = self.guarded.place(self.module.path)
        is_folder = self.module.kind == FOLDER
        spec = ModuleSpec(self.name, self, origin=None if is_folder else place, is_package=bool(self.module.package))  # type: ignore[arg-type]
        spec.has_location = not is_folder
        spec.cached = ""  # there is no `.pyc`, and asking where it would be takes as long as all the rest
        if self.module.package:
            spec.submodule_search_locations = [self.guarded.place(self.module.package)]
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        if self.module.kind != EXTENSION:
            return None
        from otumat.trust.enforce import native  # few need it, and all would pay for it

        return native.create(self.guarded, self.module.path, spec)

    def exec_module(self, module: ModuleType) -> None:
        self.before()
        if self.module.kind == EXTENSION:
            _imp.exec_dynamic(module)
        elif code := self.get_code(self.name):
            exec(code, module.__dict__)  # noqa: S102  # what a loader is for

    def get_code(self, fullname: str) -> CodeType | None:
        if self.module.kind == SOURCE:
            return self.guarded.code(self.module.path)
        if self.module.kind != BYTECODE:
            return None
        data = self.guarded.read(self.module.path)
        from importlib.util import MAGIC_NUMBER

        if data[:4] != MAGIC_NUMBER:
            raise ImportError(f"{self.module.path} was compiled for another Python.", name=fullname)
        code: CodeType = marshal.loads(data[_HEADER_BYTES:])  # noqa: S302  # signed
        return code

    def get_source(self, fullname: str) -> str | None:
        if self.module.kind != SOURCE:
            return None
        from importlib.util import decode_source

        return decode_source(self.guarded.read(self.module.path))

    def get_filename(self, fullname: str) -> str:
        return self.guarded.place(self.module.path)

    def is_package(self, fullname: str) -> bool:
        return bool(self.module.package)

    def get_data(self, path: str) -> bytes:
        """The bytes of a signed file (`pkgutil.get_data`)."""
        from otumat.trust.enforce import resources

        return resources.data_at(self.guarded, path)

    def get_resource_reader(self, fullname: str) -> Resources | None:
        from otumat.trust.enforce import resources

        return resources.Resources(self.guarded, self.module.package) if self.module.package else None
