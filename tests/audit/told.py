"""What a door is tried with, and what it must tell."""

from collections.abc import Callable

from audit.api import Kind
from tests.authlevels.acme import Acme

type Do = Callable[[Acme], object]
type Told = dict[str, tuple[Do, set[Kind]]]
