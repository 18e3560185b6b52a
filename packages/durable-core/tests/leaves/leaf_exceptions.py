"""Exception classes with minds of their own, as programs have them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from durable_core import DurableError, StepError


class Plain(Exception):
    """Nothing but a message."""


class Declined(Exception):
    """Its ``__init__`` takes other arguments than the message."""

    def __init__(self, code: int, *, reason: str) -> None:
        super().__init__(f"declined with {code}: {reason}")
        self.code = code
        self.reason = reason


class Silent(Exception):
    """It never tells its base what it was given."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.body = body


class Counting(Exception):
    """Its ``__init__`` has an effect, which a replay must not repeat."""

    made = 0

    def __init__(self, message: str) -> None:
        type(self).made += 1
        super().__init__(f"counted: {message}")


class Slotted(Exception):
    __slots__ = ("code",)

    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


class ReadOnly(Exception):
    """A property without a setter, over an attribute of another name."""

    def __init__(self, code: int) -> None:
        super().__init__("read only")
        self.kept = code

    @property
    def code(self) -> int:
        return self.kept


class Shadowed(Exception):
    """A property of the name under which the attribute was kept."""

    def __init__(self) -> None:
        super().__init__("shadowed")
        self.__dict__["code"] = 7

    @property
    def code(self) -> int:
        return 5


@dataclass
class Record(Exception):
    code: int
    why: str = "no reason"


@dataclass(frozen=True)
class FrozenRecord(Exception):
    code: int


class WantsTwo(Exception):
    """Its ``__new__`` takes two arguments, and nothing less."""

    def __new__(cls, first: int, second: int) -> WantsTwo:
        return super().__new__(cls, first, second)

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first, second)
        self.sum = first + second


class WithCustomText(Exception):
    def __str__(self) -> str:
        return f"{self.args[0]} times {self.args[1]}"


class WithoutText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class WithTextOfAnotherType(Exception):
    def __str__(self) -> Any:
        return 5  # noqa: PLE0307 (that is its mistake)


class Meta(type):
    """A metaclass that minds nothing."""


class OfMetaclass(Exception, metaclass=Meta):
    """Of a class of its own."""


class Final(Exception):
    """A class that nobody may derive from."""

    def __init_subclass__(cls) -> None:
        raise TypeError("this class is final")


class Refusing(type):
    """A metaclass that lets nothing but itself be made."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Refusing:
        if bases != (Exception,):
            raise TypeError("not by this metaclass")
        return super().__new__(cls, name, bases, namespace)


class OfRefusingMetaclass(Exception, metaclass=Refusing):
    """Nothing can be both this and an operation's error."""


class Boastful(Exception):
    """It has fields of the names that an operation's error keeps for itself."""

    def __init__(self) -> None:
        super().__init__("boastful")
        self.name = "mine"
        self.operation_id = "mine"
        self.error_type = "os.system"
        self.mine = "mine"


class Holding(Exception):
    """Attributes that JSON holds, and others."""

    def __init__(self) -> None:
        super().__init__("holding")
        self.kept = {"numbers": [1, 2.5, None, True]}
        self.callback = print
        self.me = self
        self.endless = float("nan")
        self.pair = (1, 2)


class Grumpy(Exception):
    """Asked for what it lacks, it raises what no caller expects."""

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(name)


class GrumpySlots(Exception):
    """A slot that was never filled, and an answer to whoever asks for it that no caller expects."""

    __slots__ = ("code",)

    def __getattr__(self, name: str) -> NoReturn:
        raise RuntimeError(name)


class OutOfStock(StepError):
    """A program's own error of an operation."""

    def __init__(self, article: str) -> None:
        super().__init__(f"no {article} left")
        self.article = article


class OfThisPackage(DurableError):
    """A program's own error of this package."""


class Outer:
    """A class that holds one."""

    class Inner(Exception):
        """Its qualified name has a dot."""


class MissingFile(OSError):
    """A program's own error of the system."""
