"""Tokens that came in go out: compact, stamp, relink and entries change what they say and nothing else."""

from __future__ import annotations

import pytest

from onmaru.fhir.outcome import Invalid
from onmaru.fhir.verbatim import compact, entries, relink, spots, stamp

AT = 1_700_000_000_123_456
META = b'"meta":{"versionId":"7","lastUpdated":"2023-11-14T22:13:20.123456Z"'


@pytest.mark.parametrize("token", [b"72.50", b"1.0e3", b"1E400", b"-0", rb'"\u00e9\/x"', b"1" * 400])
def test_compacting_and_stamping_keep_each_token_as_it_was_written(token: bytes) -> None:
    raw = b'{ "resourceType" : "Basic",\n\t"x" : [ %s , true ] }' % token
    small = compact(raw)
    assert small == b'{"resourceType":"Basic","x":[%s,true]}' % token
    assert stamp(small, "a", 7, AT) == b'{"resourceType":"Basic","id":"a",%s},"x":[%s,true]}' % (META, token)


@pytest.mark.parametrize(
    ("raw", "stamped"),
    [
        (
            b'{"resourceType":"P","y":{"id":"b","meta":1}}',
            b'{"resourceType":"P","id":"n",META},"y":{"id":"b","meta":1}}',
        ),
        (b'{"resourceType":"P","id":"o","y":1}', b'{"resourceType":"P","id":"n",META},"y":1}'),
        (
            b'{"resourceType":"P","id":"o","y":1,"meta":{"tag":[1]}}',
            b'{"resourceType":"P","id":"n","y":1,META,"tag":[1]}}',
        ),
        (b'{"resourceType":"P","meta":{"tag":[1]},"id":"o"}', b'{"resourceType":"P",META,"tag":[1]},"id":"n"}'),
        (
            b'{"resourceType":"P","meta":{"profile":["a"],"versionId":"3"}}',
            b'{"resourceType":"P","id":"n","meta":{"lastUpdated":"2023-11-14T22:13:20.123456Z","profile":["a"],"versionId":"7"}}',
        ),
        (b'{"y":1,"id":"o","resourceType":"P"}', b'{"y":1,"id":"n","resourceType":"P",META}}'),
        (
            rb'{"resourceType":"P","y\u0041":{"id":"q"},"m\u0065ta":{"tag":[1]},"id":"o"}',
            rb'{"resourceType":"P","y\u0041":{"id":"q"},"m\u0065ta":{"versionId":"7",'
            rb'"lastUpdated":"2023-11-14T22:13:20.123456Z","tag":[1]},"id":"n"}',
        ),
    ],
)
def test_a_stamp_sets_the_outermost_id_and_meta_wherever_they_stand(raw: bytes, stamped: bytes) -> None:
    assert stamp(raw, "n", 7, AT) == stamped.replace(b"META", META)
    assert stamp(raw, "n", 7, AT, spots(raw)) == stamped.replace(b"META", META)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xef\xbb\xbf{}",
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        rb'{"a":"\ud800"}',
        b'{"a":"\x00"}',
        b'{"a":1}{"a":1}',
        b'{"a":NaN}',
        b'{"a":01}',
        b'{"a":1,"a":1}',
        rb'{"a":[{"b":{"c":1,"\u0063":2}}]}',
        b'{"a":1E400,"a":1}',
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100_000,
        b'{"}":' * 65 + b"1" + b"}" * 65,
    ],
)
def test_hostile_bytes_are_refused_with_400(raw: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        compact(raw)
    assert refusal.value.status == 400


def test_brackets_inside_strings_are_no_depth() -> None:
    raw = b'["' + b"[{" * 500 + b'"]'
    assert compact(raw) == raw
    assert compact(b"[" * 64 + b"]" * 64)
    assert compact(b"[" * 100 + b"]" * 100, depth=100)


def test_relinking_touches_references_and_uris_only() -> None:
    raw = (
        b'{"subject":{"reference":"urn:uuid:1"},"identifier":[{"system":"urn:oid:2","value":"urn:uuid:1"}],'
        b'"instantiatesUri":["x","urn:uuid:1"],"text":{"div":"<a href=\\"urn:uuid:1\\">,\\"urn:uuid:1"},'
        b'"a":{"reference":"http:\\/\\/h\\/Patient\\/1"},"b":{"reference":"Patient?identifier=s|1"},"c":"http://h/Patient/1"}'
    )
    mapping = {
        "urn:uuid:1": "Patient/9",
        "urn:oid:2": "Basic/2",
        "http://h/Patient/1": "Patient/8",
        "Patient?identifier=s|1": "Patient/7",
    }
    assert relink(raw, mapping) == (
        b'{"subject":{"reference":"Patient/9"},"identifier":[{"system":"urn:oid:2","value":"urn:uuid:1"}],'
        b'"instantiatesUri":["x","Patient/9"],"text":{"div":"<a href=\\"urn:uuid:1\\">,\\"urn:uuid:1"},'
        b'"a":{"reference":"Patient/8"},"b":{"reference":"Patient/7"},"c":"http://h/Patient/1"}'
    )


def test_entries_split_a_bundle_without_writing_resources_anew() -> None:
    raw = (
        b'{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"urn:uuid:1","resource":{"x":1.0e3, "y":72.50},'
        b'"request":{"method":"PUT","url":"P/1","ifMatch":"W/\\"1\\"","ifNoneExist":"a=b","ifNoneMatch":"*"}},{}]}'
    )
    kind, (first, second) = entries(raw)
    assert (kind, first.full_url, first.method, first.url) == ("batch", "urn:uuid:1", "PUT", "P/1")
    assert (first.if_match, first.if_none_exist, first.if_none_match) == ('W/"1"', "a=b", "*")
    assert first.resource == b'{"x":1.0e3, "y":72.50}'
    assert (second.full_url, second.method, second.resource) == ("", "", None)


@pytest.mark.parametrize("raw", [b"[]", b'{"entry":1}', b"{", b'{"entry":[{"resource":{]}'])
def test_what_is_no_bundle_has_no_entries(raw: bytes) -> None:
    with pytest.raises(Invalid):
        entries(raw)
