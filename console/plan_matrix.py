"""The operator's grid of plans and features: what each version says of each, and what it asks."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from console.plan.comparing import Cell, rows_of
from licensing import api as licensing


def plan_matrix(request: HttpRequest, page: Mapping[str, Any]) -> HttpResponse:
    """Show the versions on sale and the drafts beside each other, or with ``?all=1`` every one that there is.

    page: what the site's pages have in common. It shows alone; from each version its pages lead on: `console.operating.drafts` and `sales`.
    """
    is_all = request.GET.get("all") == "1"
    versions = [one for one in licensing.list_versions() if is_all or one.is_on_sale or one.status == "draft"]
    grid: list[tuple[str, list[Cell]]] = rows_of(licensing.list_features(), versions)
    context = {**page, "title": "Plans and features", "versions": versions, "rows": grid, "is_all": is_all}
    return render(request, "admin/plan_matrix.html", context)
