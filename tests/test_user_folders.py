"""The user's folders are those of platformdirs, whatever the environment says."""

import itertools
from pathlib import Path

import platformdirs
import pytest

from osiris_inspect.base.user_folders import UserFolder, user_folder

_VALUES = (None, "", "/srv/user", "/srv/user/", "relative", "~/x", " /srv/user")
_VARIABLES = {"config": "XDG_CONFIG_HOME", "cache": "XDG_CACHE_HOME", "state": "XDG_STATE_HOME"}


@pytest.mark.parametrize("kind", ["config", "cache", "state"])
def test_folders_equal_those_of_platformdirs(kind: UserFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, home in itertools.product(_VALUES, _VALUES):
        for name, value in ((_VARIABLES[kind], folder), ("HOME", home)):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        expected = Path(getattr(platformdirs, f"user_{kind}_dir")("osiris-inspect", appauthor=False))
        assert user_folder(kind) == expected, (folder, home)
