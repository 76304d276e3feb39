"""`fmt` moves what stands in a file and writes nothing anew: comments stay, and so does what the bundle says."""

import pytest

from tests.policy.bundles import ABOUT, bundle, rule
from tiergate.policy import BundleRefused
from tiergate.policy.formatting import format_file

UNTIDY = """\


# Rules of exports.

# Why there is one.
  - because: So it is.\t
    # Ask Ines.
    owner: security

    id: one
    when: |
      risk.band == "high" ||
        // # of CEL

      risk.band == "critical"
    forbid: true
    on: {actions: [data.export]}
  - id: two
    on:
      # of data
      actions:
        - data.*
    because: >-
      So it
      # is.
    require: {level: aal2}
    owner: security

# The end.
"""
TIDY = """\
# Rules of exports.

# Why there is one.
- id: one
  on: {actions: [data.export]}
  when: |
    risk.band == "high" ||
      // # of CEL

    risk.band == "critical"
  forbid: true
  because: So it is.
  # Ask Ines.
  owner: security

- id: two
  on:
    # of data
    actions:
      - data.*
  require: {level: aal2}
  because: >-
    So it
    # is.
  owner: security

# The end.
"""


def test_members_stand_in_one_order_with_their_comments() -> None:
    assert format_file("rules/a.yaml", UNTIDY) == TIDY


@pytest.mark.parametrize(
    "text",
    [
        TIDY,
        rule("true") + rule(name="two"),
        rule("true").replace("\n", "\r\n"),
        '- {owner: security, id: a, on: {actions: [a]}, forbid: true, because: "So  it is."}\n',
        "[]\n",
        "# nothing but this\n- {owner: security, id: a,\n   on: {actions: [a]}, forbid: true, because: b b}\n#end",
        "-   id: a\n    owner: b b\n    because: c c\n    on: {actions: [a]}\n    forbid: true\n",
        rule() + "\n\n# one\n\n\n# two\n" + rule(name="two").replace("- id: two\n  on:", "- on:") + "  id: two\n",
        "- because: 'so\n\n    # no comment\n    it is'\n  id: a\n  owner: b b\n  on: {actions: [a]}\n  forbid: true\n",
        rule().replace("So it is.", "|+\n    So.\n\n\n"),
    ],
)
def test_laid_out_again_nothing_changes_and_the_bundle_is_the_same(text: str) -> None:
    once = format_file("rules/a.yaml", text)
    assert format_file("rules/a.yaml", once) == once
    assert "\r" not in once
    assert once.endswith("\n")
    assert sorted(one.strip() for one in once.split("\n") if "#" in one) == sorted(
        one.strip() for one in text.split("\n") if "#" in one
    )
    assert bundle(text).digest == bundle(once).digest


def test_other_files_keep_their_order() -> None:
    assert format_file("bundle.yaml", "\n" + ABOUT.replace("acme", "acme  ").rstrip()) == ABOUT


def test_what_cannot_be_read_is_not_laid_out() -> None:
    with pytest.raises(BundleRefused, match=r"rules/a\.yaml:1:8"):
        format_file("rules/a.yaml", "- id: a\x00")
