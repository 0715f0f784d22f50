"""A document that another one points to is there."""

from __future__ import annotations

import re

import pytest

from ai_usage_tests.docs.documents import DOCUMENTS, ROOT


def test_every_document_is_reached_from_the_readme() -> None:
    reached, ahead = set(), {ROOT / "README.md"}
    while ahead:
        path = ahead.pop()
        reached.add(path)
        links = re.findall(r"\]\((?!\w+:)([^)#\s]+)", path.read_text(encoding="utf-8"))
        found = {(path.parent / link).resolve() for link in links}
        ahead |= {path for path in found if path.suffix == ".md"} - reached
    assert {str(path.relative_to(ROOT)) for path in reached} == set(DOCUMENTS)


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 250


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_within_the_repository_leads_to_a_file_and_a_heading(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\((?!\w+:)([^)\s]+)\)", path.read_text(encoding="utf-8"))
    for link in links:
        target, _, heading = link.partition("#")
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}
            assert heading in slugs, link
