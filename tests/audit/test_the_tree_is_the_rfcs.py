"""The tree is RFC 6962's: against its published vectors, and against its recursion written down naively."""

from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import TILE, TILE_LEVELS, Frontier, Tree
from audit.verifier import EMPTY_ROOT, is_consistent, leaf_hash, node_hash, root_of_path

# The inputs and roots that Certificate Transparency's implementations test themselves with.
INPUTS = [
    *("", "00", "10", "2021", "3031", "40414243"),
    *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

leaves = st.lists(st.binary(max_size=3).map(leaf_hash), min_size=1, max_size=700)


class Kept:
    """What the tables keep: the leaves, and every eighth level above them."""

    def __init__(self, hashes: list[bytes]) -> None:
        self.levels: dict[int, list[bytes]] = {0: hashes}
        frontier = Frontier()
        for one in hashes:
            for level, position, node in frontier.append(one):
                assert level % TILE_LEVELS == 0
                row = self.levels.setdefault(level, [])
                assert len(row) == position
                row.append(node)
        self.root = frontier.root()
        self.tree = Tree(self.read)

    def read(self, level: int, first: int, count: int) -> dict[int, bytes]:
        assert first % TILE == 0
        return dict(enumerate(self.levels[level][first : first + count], start=first))


def naive_root(hashes: list[bytes]) -> bytes:
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(naive_root(hashes[:split]), naive_root(hashes[split:]))


def naive_path(position: int, hashes: list[bytes]) -> list[bytes]:
    if len(hashes) < 2:
        return []
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if position < split:
        return [*naive_path(position, hashes[:split]), naive_root(hashes[split:])]
    return [*naive_path(position - split, hashes[split:]), naive_root(hashes[:split])]


def naive_consistency(old: int, hashes: list[bytes], *, is_whole: bool = True) -> list[bytes]:
    if old == len(hashes):
        return [] if is_whole else [naive_root(hashes)]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if old <= split:
        return [*naive_consistency(old, hashes[:split], is_whole=is_whole), naive_root(hashes[split:])]
    return [*naive_consistency(old - split, hashes[split:], is_whole=False), naive_root(hashes[:split])]


def test_the_published_roots_come_out() -> None:
    hashes = [leaf_hash(bytes.fromhex(one)) for one in INPUTS]
    assert Frontier().root() == EMPTY_ROOT
    assert [Kept(hashes[: n + 1]).root.hex() for n in range(8)] == ROOTS
    assert [naive_root(hashes[: n + 1]).hex() for n in range(8)] == ROOTS


def test_the_published_proofs_come_out() -> None:
    kept = Kept([leaf_hash(bytes.fromhex(one)) for one in INPUTS])
    path = [one.hex() for one in kept.tree.inclusion_path(5, 8)]
    assert path == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    grown = [one.hex() for one in kept.tree.consistency_path(6, 8)]
    assert grown == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(leaves, st.data())
def test_roots_and_proofs_are_those_of_the_recursion(hashes: list[bytes], data: st.DataObject) -> None:
    kept, size = Kept(hashes), len(hashes)
    assert kept.root == naive_root(hashes) == kept.tree.root_of_range(0, size)
    position = data.draw(st.integers(0, size - 1))
    path = kept.tree.inclusion_path(position, size)
    assert path == naive_path(position, hashes)
    assert root_of_path(hashes[position], position=position, size=size, path=path) == kept.root
    old = data.draw(st.integers(1, size))
    proof = kept.tree.consistency_path(old, size)
    assert proof == naive_consistency(old, hashes)
    assert is_consistent(old, naive_root(hashes[:old]), size, kept.root, proof)


@given(leaves, st.data())
def test_a_proof_of_something_else_fails(hashes: list[bytes], data: st.DataObject) -> None:
    kept, size = Kept(hashes), len(hashes)
    position = data.draw(st.integers(0, size - 1))
    path = kept.tree.inclusion_path(position, size)
    other = leaf_hash(b"somebody else")
    assert root_of_path(other, position=position, size=size, path=path) != kept.root
    assert root_of_path(hashes[position], position=position, size=size, path=[*path, other]) != kept.root
    assert root_of_path(hashes[position], position=size, size=size, path=path) is None
    if path:
        assert root_of_path(hashes[position], position=position, size=size, path=path[:-1]) != kept.root
    old = data.draw(st.integers(1, size))
    proof = kept.tree.consistency_path(old, size)
    assert not is_consistent(old, other, size, kept.root, proof)
    assert not is_consistent(old, naive_root(hashes[:old]), size, other, proof)
    assert not is_consistent(size + 1, kept.root, size, kept.root, proof)
