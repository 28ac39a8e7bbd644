"""What holds for every fix in the folder, on specs of every family."""

import copy
from functools import cache

import pytest

from gradhealth.architecture.network import resolve
from gradhealth.documents.patch import diff
from gradhealth.fixes.base import Case, Facts
from gradhealth.prescription import remedies
from tests.support.families import FAMILIES, finding
from tests.support.json_patch import apply

every_fix = pytest.mark.parametrize(
    "remedy", remedies(), ids=lambda remedy: remedy.name
)
# Fixes that are offered for one cause only.
CAUSES = {"clean_data": "data"}
FACTS = Facts(typical_grad_norm=0.3, first_layers_change=1e-3, step_seconds=0.01)


@cache
def network_of(family):
    return resolve(FAMILIES[family])


@cache
def offers(remedy):
    """Family, case and candidate of all different offers for any problem."""
    cause = CAUSES.get(remedy.name, "unknown")
    found = {}
    for family, document in FAMILIES.items():
        for problem in sorted(remedy.treats | remedy.misused_for):
            findings = (finding(problem, cause),)
            case = Case(document, network_of(family), findings, FACTS)
            for candidate in remedy.candidates(case):
                found[family, repr(candidate.spec)] = (family, case, candidate)
    return list(found.values())


@every_fix
def test_is_offered_for_some_family_and_speaks_to_people(remedy):
    assert offers(remedy)
    for _, _, candidate in offers(remedy):
        assert candidate.name.startswith(remedy.name)
        assert candidate.title
        assert candidate.why.endswith(".")
        compile(candidate.snippet, candidate.name, "exec")


@every_fix
def test_leaves_the_spec_as_sent_alone(remedy):
    before = copy.deepcopy(FAMILIES)

    offers.cache_clear()
    offers(remedy)

    assert before == FAMILIES


@every_fix
def test_gives_another_spec_that_resolves_and_its_patch(remedy):
    for family, case, candidate in offers(remedy):
        if candidate.spec is None:
            continue
        resolve(candidate.spec)
        patch = diff(case.document, candidate.spec)
        assert candidate.size == len(patch) > 0, family
        assert apply(case.document, patch) == candidate.spec, family


@every_fix
def test_applied_twice_is_applied_once(remedy):
    for family, case, candidate in offers(remedy):
        if candidate.spec is None:
            continue
        fixed = Case(candidate.spec, resolve(candidate.spec), case.findings, FACTS)
        again = [other.name for other in remedy.candidates(fixed)]
        assert candidate.name not in again, family


@every_fix
def test_is_documented_and_treats_what_it_is_not_misused_for(remedy):
    assert type(remedy).__doc__
    assert remedy.treats
    assert not remedy.treats & remedy.misused_for
