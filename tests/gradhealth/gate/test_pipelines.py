import pytest

from gradhealth.gate.pipelines import MAX_VALUE, labels_of, page_of


def test_outside_of_a_pipeline_there_are_no_labels():
    assert labels_of({}) == {}
    assert labels_of({"CI": "true", "BRANCH_NAME": "main", "GIT_COMMIT": "1"}) == {}


@pytest.mark.parametrize(
    ("environment", "labels"),
    [
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_REF_NAME": "7/merge",
                "GITHUB_HEAD_REF": "topic",
                "GITHUB_BASE_REF": "main",
                "GITHUB_SHA": "abc",
            },
            {"ci": "github", "branch": "topic", "commit": "abc", "target": "main"},
        ),
        (
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_REF_NAME": "main",
                "GITHUB_HEAD_REF": "",
                "GITHUB_SHA": "abc",
            },
            {"ci": "github", "branch": "main", "commit": "abc"},
        ),
        (
            {
                "GITLAB_CI": "true",
                "CI_COMMIT_REF_NAME": "refs/merge-requests/7/merge",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_IID": "7",
                "CI_COMMIT_SHA": "abc",
            },
            {
                "ci": "gitlab",
                "branch": "topic",
                "commit": "abc",
                "target": "main",
                "change": "7",
            },
        ),
        (
            {"JENKINS_URL": "x", "GIT_BRANCH": "origin/main", "GIT_COMMIT": "abc"},
            {"ci": "jenkins", "branch": "main", "commit": "abc"},
        ),
        (
            {
                "BUILDKITE": "true",
                "BUILDKITE_BRANCH": "main",
                "BUILDKITE_COMMIT": "abc",
                "BUILDKITE_PULL_REQUEST": "false",
            },
            {"ci": "buildkite", "branch": "main", "commit": "abc"},
        ),
        (
            {"CIRCLECI": "true", "CIRCLE_BRANCH": "topic", "CIRCLE_SHA1": "abc"},
            {"ci": "circleci", "branch": "topic", "commit": "abc"},
        ),
    ],
)
def test_each_system_names_branch_and_commit(environment, labels):
    assert labels_of(environment) == labels


def test_what_is_too_long_for_a_label_is_cut():
    environment = {"CIRCLECI": "true", "CIRCLE_BRANCH": "x" * 1000}

    assert len(labels_of(environment)["branch"]) == MAX_VALUE


def test_each_system_has_a_page_of_the_run():
    github = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ID": "7",
    }

    assert page_of({}) is None
    assert page_of({"BUILD_URL": "x"}) is None
    assert page_of({"GITHUB_ACTIONS": "true"}) is None
    assert page_of(github) == "https://github.com/a/b/actions/runs/7"
    assert page_of({"GITLAB_CI": "true", "CI_JOB_URL": "https://x/1"}) == "https://x/1"
    assert page_of({"JENKINS_URL": "y", "BUILD_URL": "https://y/1"}) == "https://y/1"
