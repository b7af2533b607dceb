"""A69: what a stranger may send as XML, and what not."""

from __future__ import annotations

import xmlrpc.client

import pytest

from otumat_index.discover.mirrors import calls
from otumat_index.discover.mirrors.calls import Call, Fault, read_call


@pytest.mark.parametrize(
    "params", [(), (7,), (-7,), ("roundup",), ("a & <b>\n", 3), ("",), (2**31 - 1, "x", "Köln")], ids=repr
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_a_call_is_read_as_the_standard_library_writes_it(params: tuple[int | str, ...], encoding: str) -> None:
    text = xmlrpc.client.dumps(params, "a_method", encoding=encoding)
    assert read_call(text.encode(encoding)) == Call("a_method", params)


def body(params: str = "", *, method: str = "<methodName>m</methodName>", before: str = "") -> bytes:
    return f'<?xml version="1.0"?>{before}<methodCall>{method}<params>{params}</params></methodCall>'.encode()


def test_other_spellings_of_values_are_read() -> None:
    values = ("<value> 7 </value>", "<value><i8>\n8 </i8></value>", "<value>\n<i4>+9</i4>\n</value>")
    params = "".join(f"<param>{value}</param>" for value in values)
    assert read_call(body(params)) == Call("m", (" 7 ", 8, 9))


ENTITIES = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
REFUSED = {
    "billion laughs": body(
        before=f'<!DOCTYPE x [<!ENTITY e0 "ha">{ENTITIES}]>', method="<methodName>&e9;</methodName>"
    ),
    "quadratic blowup": body(before=f'<!DOCTYPE x [<!ENTITY a "{"x" * 900}">]>', method="&a;" * 300),
    "external entity": body(
        before='<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', method="<methodName>&a;</methodName>"
    ),
    "external document type": body(before='<!DOCTYPE x SYSTEM "http://index.example.org/x.dtd">'),
    "empty document type": body(before="<!DOCTYPE methodCall>"),
    "entity of nobody": body("<param><value>&nobody;</value></param>"),
    "too long": body(f"<param><value>{'x' * 5_000}</value></param>"),
    "too deep": body("<param><value>" + "<array>" * 200),
    "an array": body("<param><value><array><data/></array></value></param>"),
    "a struct": body("<param><value><struct></struct></value></param>"),
    "many calls in one": xmlrpc.client.dumps(([{"methodName": "m", "params": []}] * 3,), "system.multicall").encode(),
    "too many parameters": body("<param><value>1</value></param>" * 20),
    "a long number": body(f"<param><value><int>{'9' * 40}</int></value></param>"),
    "letters for a number": body("<param><value><int>1e9</int></value></param>"),
    "digits of another script": body("<param><value><int>١٢</int></value></param>"),
    "no method": body(method=""),
    "a response": b"<methodResponse/>",
    "not closed": b"<methodCall><methodName>m</methodName>",
    "two documents": body() + body(),
    "no XML": b"list_packages",
    "nothing": b"",
    "a NUL": b"\x00",
    "an encoding there is not": b'<?xml version="1.0" encoding="utf-99"?><methodCall/>',
    "broken UTF-8": b"<methodCall><methodName>\xff\xfe</methodName></methodCall>",
    "gzip": b"\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("name", REFUSED)
def test_A69_everything_else_is_a_fault(name: str) -> None:
    with pytest.raises(Fault) as caught:
        read_call(REFUSED[name])
    assert caught.value.code in (calls.NOT_WELL_FORMED, calls.NO_CALL, calls.BAD_PARAMETERS)
    assert len(caught.value.text) < 200


@pytest.mark.parametrize("name", [name for name in REFUSED if "document type" in name or "laughs" in name])
def test_A69_a_document_type_is_refused_as_such(name: str) -> None:
    with pytest.raises(Fault, match="document type"):
        read_call(REFUSED[name])
