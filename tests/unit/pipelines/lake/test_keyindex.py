"""The key index against a plain dict, with keys that share their low half on purpose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tidewright import errors
from tidewright.pipelines.lake import hashing, keyindex

ABSENT = keyindex.ABSENT


def exact(*values: int) -> hashing.Keys:
    return hashing.Keys(np.array(values, np.uint64), None)


def colliding(values: Sequence[int]) -> hashing.Keys:
    """About three keys on each low half."""
    keys = np.array(values, np.uint64)
    return hashing.Keys(keys // np.uint64(3) * np.uint64(977), keys)


def at(file: int, *rows: int) -> keyindex.I64:
    return keyindex.places(file, np.array(rows, np.int64))


def test_a_place_gives_back_its_file_and_row() -> None:
    places = at(70_000, 0, 2**31, 2**32 - 1)
    assert keyindex.files_of(places).tolist() == [70_000] * 3
    assert keyindex.rows_of(places).tolist() == [0, 2**31, 2**32 - 1]


def test_apply_answers_with_the_old_places() -> None:
    index = keyindex.KeyIndex(exact=True)
    assert index.apply(exact(5, 3), at(1, 0, 1)).tolist() == [ABSENT, ABSENT]
    assert index.apply(exact(3, 9), at(2, 0, 1)).tolist() == [*at(1, 1).tolist(), ABSENT]
    assert index.lookup(exact(3, 5, 9, 4)).tolist() == [*at(2, 0), *at(1, 0), *at(2, 1), ABSENT]
    assert index.count == 3


def test_a_removed_key_is_absent_until_it_comes_back() -> None:
    index = keyindex.KeyIndex(exact=True)
    index.apply(exact(1, 2), at(1, 0, 1))
    assert index.remove(exact(2, 7)).tolist() == [*at(1, 1), ABSENT]
    assert (index.count, index.lookup(exact(2)).tolist()) == (1, [ABSENT])
    assert index.apply(exact(2), at(4, 0)).tolist() == [ABSENT]
    assert (index.count, index.lookup(exact(2)).tolist()) == (2, at(4, 0).tolist())


@pytest.mark.parametrize("keys", [lambda v: exact(*v), colliding], ids=["exact", "colliding"])
@pytest.mark.parametrize("merge_above", [0, 7, 10**9])
@pytest.mark.parametrize("seed", range(4))
def test_random_batches_equal_a_dict(
    keys, merge_above: int, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyindex, "_MERGE_ABOVE", merge_above)
    rng = np.random.default_rng(seed)
    start = rng.permutation(300)[:100]
    index = keyindex.KeyIndex.build(
        keys(start).hi is None,
        [(keys(start[:60]), at(0, *range(60))), (keys(start[60:]), at(1, *range(40)))],
    )
    oracle = dict(zip(start.tolist(), [*at(0, *range(60)), *at(1, *range(40))], strict=True))
    for file in range(2, 60):
        chosen = rng.permutation(300)[: rng.integers(0, 40)].tolist()
        old = [oracle.get(k, ABSENT) for k in chosen]
        if rng.random() < 0.4:
            assert index.remove(keys(chosen)).tolist() == old
            oracle = {k: v for k, v in oracle.items() if k not in chosen}
        else:
            now = at(file, *range(len(chosen)))
            assert index.apply(keys(chosen), now).tolist() == old
            oracle |= dict(zip(chosen, now.tolist(), strict=True))
        if file % 7 == 0:
            moved = rng.permutation(file)[:3].tolist()
            goes = {m: keyindex.places(1000 * file + m, rng.permutation(60)) for m in moved}
            index.moved(goes)
            for k, v in oracle.items():
                if v >> 32 in goes:
                    oracle[k] = int(goes[v >> 32][v & 0xFFFFFFFF])
        assert index.count == len(oracle)
    assert index.lookup(keys(range(300))).tolist() == [oracle.get(k, ABSENT) for k in range(300)]


def test_removed_entries_go_at_a_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyindex, "_MERGE_ABOVE", 10)
    index = keyindex.KeyIndex(exact=True)
    index.apply(exact(*range(20)), at(1, *range(20)))
    full = index.nbytes
    index.remove(exact(*range(11)))
    assert index.nbytes == full * 9 // 20


def test_only_entries_that_still_name_the_old_file_move() -> None:
    index = keyindex.KeyIndex(exact=True)
    index.apply(exact(1, 2, 3, 4), at(5, 0, 1, 2, 3))
    index.apply(exact(2), at(6, 0))
    index.remove(exact(3))
    assert index.moved({5: at(9, 30, 31, 32, 33), 3: at(9, 0)}) == 2
    expected = [*at(9, 30), *at(6, 0), ABSENT, *at(9, 33)]
    assert index.lookup(exact(1, 2, 3, 4)).tolist() == expected


def test_moves_of_many_entries_cross_the_scan_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyindex, "_SCAN", 8)
    index = keyindex.KeyIndex(exact=True)
    index.apply(exact(*range(100)), at(5, *range(100)))
    assert index.moved({5: at(7, *range(99, -1, -1))}) == 100
    assert index.lookup(exact(*range(100))).tolist() == at(7, *range(99, -1, -1)).tolist()


@pytest.mark.parametrize("keys", [lambda v: exact(*v), colliding], ids=["exact", "colliding"])
def test_a_key_in_two_files_is_refused(keys) -> None:
    parts = [(keys([1, 2, 3]), at(1, 0, 1, 2)), (keys([4, 2, 6]), at(8, 0, 1, 2))]
    with pytest.raises(
        errors.PromiseBroken, match=r"1 keys .* file [18] row 1 and file [18] row 1"
    ):
        keyindex.KeyIndex.build(keys([0]).hi is None, parts)


def test_keys_that_share_their_low_half_are_not_the_same() -> None:
    index = keyindex.KeyIndex.build(False, [(colliding(range(30)), at(1, *range(30)))])
    assert index.lookup(colliding(range(30))).tolist() == at(1, *range(30)).tolist()
    assert index.lookup(hashing.Keys(colliding([3]).lo, np.array([99], np.uint64))) == [ABSENT]


def test_an_empty_index_knows_nothing() -> None:
    index = keyindex.KeyIndex.build(True, [])
    assert (index.count, index.lookup(exact(1)).tolist()) == (0, [ABSENT])
    assert index.apply(exact(), at(0)).tolist() == []
