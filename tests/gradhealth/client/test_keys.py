import pytest

from gradhealth.client import UnreadableKeyError, key_in


def test_the_key_comes_from_the_environment_or_from_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("gh_live_1_2\n")

    assert key_in({}) is None
    assert key_in({"GRADHEALTH_API_KEY": "k"}) == "k"
    assert key_in({"GRADHEALTH_API_KEY_FILE": str(file)}) == "gh_live_1_2"
    with pytest.raises(UnreadableKeyError, match="GRADHEALTH_API_KEY_FILE"):
        key_in({"GRADHEALTH_API_KEY_FILE": str(tmp_path)})
