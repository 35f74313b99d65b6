"""What a result says of itself: an XMP packet that other programs read."""

import xml.etree.ElementTree as ET

import pytest
import tifffile
from brackets import stacked, tilted_plane, write_frames
from PIL import Image

from stacker.cli import main
from stacker.formats import xmp
from stacker.formats.metadata import Metadata
from stacker.stackfacts import stack_metadata

SHAPE, COUNT = (192, 256), 6
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def facts_in(packet):
    """The attributes of the packet's description, without their namespaces."""
    body = packet.decode().split("?>", 1)[1].rsplit("<?xpacket", 1)[0]
    description = ET.fromstring(body).find(f"{RDF}RDF/{RDF}Description")
    return {name.split("}")[1]: value for name, value in description.attrib.items()}


def packet_of(path):
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            return bytes(file.pages[0].tags[700].value)
    with Image.open(path) as picture:
        found = picture.info.get("xmp") or picture.info["XML:com.adobe.xmp"]
        return found if isinstance(found, bytes) else found.encode()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_every_kind_of_result_says_how_it_was_stacked(tmp_path, suffix):
    frames = write_frames(tmp_path / "frames", tilted_plane(SHAPE, COUNT).frames)
    out = tmp_path / f"out{suffix}"
    assert main(["stack", *map(str, frames), "-o", str(out), "--align", "none", "--quiet"]) == 0
    facts = facts_in(packet_of(out))
    assert facts["Frames"] == facts["FramesUsed"] == str(COUNT)
    assert facts["Method"] == "auto"
    assert (facts["FirstFrame"], facts["LastFrame"]) == (frames[0].name, frames[-1].name)
    assert facts["CreatorTool"].startswith("Fieldstack")


def test_the_range_of_depths_is_that_of_the_subject():
    result = stacked(tilted_plane(SHAPE, COUNT).frames)
    facts = facts_in(stack_metadata(Metadata(), result, COUNT).xmp)
    assert float(facts["DepthFrom"]) < 0.5
    assert float(facts["DepthTo"]) > COUNT - 1.5


def test_a_single_frame_has_no_depth():
    result = stacked(tilted_plane(SHAPE, COUNT).frames[:1])
    facts = facts_in(stack_metadata(Metadata(), result, 1).xmp)
    assert "DepthFrom" not in facts
    assert facts["Frames"] == "1"


def test_names_cannot_break_the_packet():
    nasty = 'a"b<c>&d.jpg'
    packet = xmp.packet(nasty, "Tool & Co", {"FirstFrame": nasty})
    assert facts_in(packet)["FirstFrame"] == nasty


def test_bytes_of_a_name_that_are_no_text_become_question_marks():
    packet = xmp.packet("", "", {"FirstFrame": "a\udcff\x01ü.jpg"})
    assert facts_in(packet)["FirstFrame"] == "a??ü.jpg"
