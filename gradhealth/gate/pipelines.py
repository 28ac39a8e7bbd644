"""Which branch and commit a pipeline builds, from its own environment variables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# A label's longest value.
MAX_VALUE = 256


@dataclass(frozen=True, slots=True)
class System:
    """A CI system's names for what it builds; the first variable that is set counts.

    Attributes:
        sign: The variable by which the system is known.
        branch: The branch that is built; of a pull request, its own branch.
        commit: The commit's hash.
        target: The branch that a pull request is to be merged into.
        change: The number of the pull request.
    """

    name: str
    sign: str
    branch: Sequence[str]
    commit: Sequence[str]
    target: Sequence[str]
    change: Sequence[str]


# https://docs.github.com/actions/reference/workflows-and-actions/variables
# https://docs.gitlab.com/ci/variables/predefined_variables/
# https://www.jenkins.io/doc/book/pipeline/multibranch/#additional-environment-variables
# https://buildkite.com/docs/pipelines/configure/environment-variables
# https://circleci.com/docs/reference/variables/
SYSTEMS = (
    System(
        "github",
        "GITHUB_ACTIONS",
        ("GITHUB_HEAD_REF", "GITHUB_REF_NAME"),
        ("GITHUB_SHA",),
        ("GITHUB_BASE_REF",),
        (),
    ),
    System(
        "gitlab",
        "GITLAB_CI",
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_COMMIT_REF_NAME"),
        ("CI_COMMIT_SHA",),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME",),
        ("CI_MERGE_REQUEST_IID",),
    ),
    System(
        "buildkite",
        "BUILDKITE",
        ("BUILDKITE_BRANCH",),
        ("BUILDKITE_COMMIT",),
        ("BUILDKITE_PULL_REQUEST_BASE_BRANCH",),
        ("BUILDKITE_PULL_REQUEST",),
    ),
    System(
        "circleci",
        "CIRCLECI",
        ("CIRCLE_BRANCH", "CIRCLE_TAG"),
        ("CIRCLE_SHA1",),
        (),
        ("CIRCLE_PR_NUMBER",),
    ),
    # Last: other systems may run on a machine where Jenkins set its variables.
    System(
        "jenkins",
        "JENKINS_URL",
        ("CHANGE_BRANCH", "BRANCH_NAME", "GIT_BRANCH"),
        ("GIT_COMMIT",),
        ("CHANGE_TARGET",),
        ("CHANGE_ID",),
    ),
)


def labels_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Labels for an analysis: `ci`, `branch`, `commit`, `target`, `change`.

    Empty outside of a pipeline; what the system does not say is left out.
    """
    system = next((each for each in SYSTEMS if environment.get(each.sign)), None)
    if system is None:
        return {}
    named = {
        "branch": system.branch,
        "commit": system.commit,
        "target": system.target,
        "change": system.change,
    }
    found = {key: _first(environment, names) for key, names in named.items()}
    # Buildkite says "false" where there is no pull request.
    known = {k: value for k, value in found.items() if value and value != "false"}
    if system.name == "jenkins" and "branch" in known:
        # The Git plugin names the remote too.
        known["branch"] = known["branch"].removeprefix("origin/")
    return {"ci": system.name} | {k: v[:MAX_VALUE] for k, v in known.items()}


def _first(environment: Mapping[str, str], names: Sequence[str]) -> str:
    return next((value for name in names if (value := environment.get(name))), "")


# Where each system shows the run.
_PAGES = (
    ("GITLAB_CI", "CI_JOB_URL"),
    ("BUILDKITE", "BUILDKITE_BUILD_URL"),
    ("CIRCLECI", "CIRCLE_BUILD_URL"),
    ("JENKINS_URL", "BUILD_URL"),
)


def page_of(environment: Mapping[str, str]) -> str | None:
    """The page on which people see this run; null outside of a pipeline."""
    if environment.get("GITHUB_ACTIONS"):
        names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
        server, repository, run = (environment.get(name, "") for name in names)
        is_known = server and repository and run
        return f"{server}/{repository}/actions/runs/{run}" if is_known else None
    pages = (environment.get(page) for sign, page in _PAGES if environment.get(sign))
    return next(filter(None, pages), None)
