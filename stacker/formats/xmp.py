"""An XMP packet (ISO 16684-1) that says of a picture how it was stacked."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape  # what XML needs, without the parsers that xml.sax would load

NAMESPACE = "urn:fieldstack:stack/1/"
_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'  # the id that the standard asks for
_END = '<?xpacket end="r"?>'


def packet(description: str, tool: str, facts: Mapping[str, str | int | float]) -> bytes:
    """The packet. facts: names (letters only) and values, in the namespace above."""
    own = "".join(f"\n    stack:{name}={_quoted(value)}" for name, value in facts.items())
    return (
        f"{_BEGIN}\n"
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about=""\n'
        '    xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"\n'
        f"    xmlns:stack={_quoted(NAMESPACE)}\n"
        f"    xmp:CreatorTool={_quoted(tool)}{own}>\n"
        f'   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{_text(description)}</rdf:li></rdf:Alt>'
        "</dc:description>\n"
        "  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n"
        f"{_END}"
    ).encode()


def _quoted(value: object) -> str:
    return f'"{_text(str(value))}"'


def _text(value: str) -> str:
    """As XML has it: what XML cannot hold (control characters, bytes of a name that are no text) becomes "?"."""
    held = "".join(each if each.isprintable() or each in " \n\t" else "?" for each in value)
    return escape(held)
