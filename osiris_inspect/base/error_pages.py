"""HTML pages that a program in front of a service sends in its place: a firewall, or a proxy of the local network."""

import re
from enum import StrEnum
from typing import Final


class PageSender(StrEnum):
    """Sender of a page."""

    FIREWALL = "firewall"
    PROXY = "proxy"
    UNKNOWN = "unknown"


PAGE_STATUSES: Final = frozenset({401, 403, 406})
"""Statuses with which a firewall or a proxy responds in place of the service."""
_MAX_PAGE: Final = 20_000
_PAGE: Final = r"<(?:!doctype html|html|head|body|title)\b"
_FIREWALL: Final = (
    r"\bcloudflare\b|<title>just a moment|\bcf-ray\b|\bakamai|edgesuite\.net|\breference #\d{1,3}\.[0-9a-f]"
    r"|<title>request rejected|requested url was rejected|\bsupport id(?: is|:)|\bcloudfront\b|request blocked\b"
    r"|the request is blocked|\bincapsula\b|\bimperva\b|\bsucuri\b|\bmod_?security\b|\bwordfence\b|\bbarracuda\b|\bdatadome\b"
    r"|\bweb application firewall\b|\bperimeterx\b|\bx-azure-ref\b|azure-application-gateway"
)
_PROXY: Final = (
    r"requested url could not be retrieved|\bsquid\b|\bzscaler\b|\bblue ?coat\b|\bpolicy_denied\b|\bforcepoint\b|\bwebsense\b"
    r"|\bnetskope\b|\bforti(?:gate|guard|net|proxy)\b|\bcisco umbrella\b|\bmcafee web gateway\b|\bskyhigh\b|\bsophos\b"
    r"|\bpalo alto networks\b|<title>web page blocked|\byour (?:organi[sz]ation|company|network administrator)\b"
    r"|\b(?:company|corporate|internet|acceptable|web) (?:access |usage |use )?policy\b|\b(?:web|content|url) filter"
)
PAGE_FIXES: Final = {
    PageSender.FIREWALL: "ask the operator of the service to allow the address of the step, or send the request from another one; "
    "another key does not help",
    PageSender.PROXY: "ask the administrators of the network to allow the host of the service, or correct HTTPS_PROXY and "
    "NO_PROXY where the step runs; another key does not help",
    PageSender.UNKNOWN: "find out which server sent the HTML page: the service itself, or a firewall or proxy in front of it, "
    "which must allow the address of the step",
}
"""What to do about a refusal, by the sender of its page."""


def page_sender(text: str) -> PageSender | None:
    """Return the sender of the HTML page that a text contains; None if it contains none."""
    page = re.search(_PAGE, text[:_MAX_PAGE], re.IGNORECASE)
    if page is None:
        return None
    body = text[page.start() : page.start() + _MAX_PAGE]
    if re.search(_PROXY, body, re.IGNORECASE):
        return PageSender.PROXY
    return PageSender.FIREWALL if re.search(_FIREWALL, body, re.IGNORECASE) else PageSender.UNKNOWN
