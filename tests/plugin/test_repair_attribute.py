"""A file that was put into SwiftBar's folder by hand turns itself into a streaming plugin."""

import shutil
import sys

import pytest

from llamabar.macos import swiftbar
from llamabar.plugin.repair_attribute import repair
from tests.fakes.programs import ROOT, wait_for

PYZ = ROOT / "dist" / "llamabar.pyz"
ATTRIBUTE = "com.ameba.SwiftBar"


@pytest.mark.skipif(not PYZ.is_file(), reason="not built: python3 build.py pyz")
@pytest.mark.parametrize("version", ["2.0.1", "2.1.1"])
def test_a_copy_without_the_attribute_sets_it_and_streams(make_mac, version):
    mac = make_mac()
    (mac.home / ".zprofile").write_text(f"export LLAMABAR_PYTHON={sys.executable}\n")
    bar = mac.swiftbar(version=version, folder=mac.home / "Plugins")
    shutil.copyfile(PYZ, mac.home / "Plugins" / "copy.tmp.json")
    plugin = mac.home / "Plugins" / "llamabar.pyz"
    (mac.home / "Plugins" / "copy.tmp.json").rename(plugin)
    plugin.chmod(0o755)
    mac.own()
    wait_for(lambda: (mac.attribute(plugin, ATTRIBUTE) or b"").decode() == swiftbar.ATTRIBUTE_VALUE, 30)
    if version == "2.1.1":  # 2.0.1 reads a changed file only when it is restarted
        shown = lambda: [bar.text(one) or "" for one in bar.plugins()]  # noqa: E731
        try:
            wait_for(lambda: any("Diagnose in Terminal" in text for text in shown()), 30)
        except AssertionError:
            raise AssertionError(f"{bar.plugins()}\n{mac.calls('xattr')}") from None


def test_only_a_file_in_swiftbars_folder_is_touched(tmp_path):
    file = tmp_path / "llamabar.pyz"
    file.write_bytes(b"x")
    inside, beside = {"SWIFTBAR_PLUGINS_PATH": str(tmp_path)}, {"SWIFTBAR_PLUGINS_PATH": str(tmp_path / "other")}
    assert repair({"LLAMABAR_FILE": str(file), **beside}) is None
    assert repair({"LLAMABAR_FILE": str(file)}) is None
    assert repair({**inside}) is None
