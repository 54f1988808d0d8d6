"""Laws of netsh scripts: a store survives them, and no text is more than a mistake."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from mainmode.errors import PersonError
from mainmode.policy.document import Document
from mainmode.policy.mistakes import WordError
from mainmode.policy.model import (
    Action,
    Authentication,
    ConnectionType,
    Filter,
    FilterList,
    Policy,
)
from mainmode.policy.netsh import dynamic as d
from mainmode.policy.netsh import parameters as p
from mainmode.policy.netsh.decoding import decode_script
from mainmode.policy.netsh.fields import authentication_values
from mainmode.policy.netsh.lexer import quote, tokens_of, words_of_line
from mainmode.policy.netsh.parsing import FORMS
from mainmode.policy.netsh.script import read_script
from mainmode.policy.netsh.writer import dynamic_script, filter_values, static_script
from mainmode.policy.reading import read_document
from mainmode.policy.writing import written
from tests.policy.netsh.runs import done, run
from tests.properties.documents import documents
from tests.properties.effort import examples


def _sayable(document: Document) -> Document:
    """The document as netsh can have it: the same filter once in a list, and authorities' names
    without blanks around them."""

    def stripped(methods: tuple[Authentication, ...]) -> tuple[Authentication, ...]:
        return tuple(replace(each, root_ca=each.root_ca.strip()) for each in methods)

    def once(filter_list: FilterList) -> FilterList:
        found: dict[Filter, Filter] = {}
        for each in filter_list.filters:
            found.setdefault(replace(each, description=""), each)
        return replace(filter_list, filters=tuple(found.values()))

    def policy(each: Policy) -> Policy:
        response = each.default_response
        rules = tuple(
            replace(
                rule,
                filter_list=once(rule.filter_list),
                authentication=stripped(rule.authentication),
            )
            for rule in each.rules
        )
        response = replace(response, authentication=stripped(response.authentication))
        return replace(each, rules=rules, default_response=response)

    return replace(
        document,
        policies=tuple(map(policy, document.policies)),
        filter_lists=tuple(map(once, document.filter_lists)),
    )


def test_a_store_comes_back_from_netsh_and_toml(stores: int) -> None:
    """Netsh to store to TOML to store to netsh."""

    @examples(stores, slow=True)
    @given(documents().map(_sayable))
    def there_and_back(document: Document) -> None:
        script = "\n".join(static_script(document))
        from_netsh = done(script).local
        assert from_netsh == document
        from_toml = read_document(written(from_netsh).encode(), Path("store.toml")).document
        assert from_toml == document
        assert "\n".join(static_script(from_toml)) == script

    there_and_back()


@given(st.text(min_size=1).filter(str.strip), st.text())
@example("a\r\nb", "c\x1ad")
def test_any_text_may_be_a_name_or_a_description(name: str, description: str) -> None:
    document = Document((Policy(name, description=description),))
    assert done("\n".join(static_script(document))).local == document


@st.composite
def _dynamic_scripts(draw: st.DrawFn) -> list[str]:
    """Dynamic policies and rules made of the parts of a document; some meet each other."""
    document = draw(documents().map(_sayable).filter(lambda each: bool(each.policies)))
    main_modes = [policy.name for policy in document.policies]
    quick_modes = [action.name for action in document.filter_actions]
    methods = [rule.authentication for each in document.policies for rule in each.rules]
    lines = ["pushd ipsec dynamic", *(d.ADD_MAIN_MODE.write({p.NAME: each}) for each in main_modes)]
    lines += [
        d.ADD_QUICK_MODE.write({p.NAME: each.name, p.QUICK_MODE: each.offers, p.SOFT: True})
        for each in document.filter_actions
        if each.offers
    ]
    for each in (one for filter_list in document.filter_lists for one in filter_list.filters):
        inbound, outbound = draw(st.sampled_from(_ACTIONS))
        values = filter_values(replace(each, description="")) | {
            p.MAIN_MODE_POLICY: draw(st.sampled_from(main_modes)),
            p.QUICK_MODE_POLICY: draw(st.sampled_from(quick_modes)),
            p.CONNECTION_TYPE: draw(st.sampled_from(ConnectionType)),
            p.ACTION_INBOUND: inbound,
            p.ACTION_OUTBOUND: outbound,
        }
        authentication = draw(st.sampled_from([(), *methods]))
        lines.append(d.ADD_DYNAMIC_RULE.write(values, *authentication_values(authentication)))
    return lines


_ACTIONS = (
    (Action.PERMIT, Action.PERMIT),
    (Action.BLOCK, Action.BLOCK),
    (Action.NEGOTIATE, Action.NEGOTIATE),
    (Action.PERMIT, Action.NEGOTIATE),
)


@examples(50, slow=True)
@given(_dynamic_scripts())
def test_dynamic_policy_comes_back_from_netsh_and_toml(lines: list[str]) -> None:
    """Up to the first line that names what is not there."""
    dynamic = run("\n".join(lines)).dynamic
    script = "\n".join(dynamic_script(dynamic))
    assert done(script).dynamic == dynamic
    assert read_document(written(dynamic).encode(), Path("dynamic.toml")).document == dynamic


# --- no text is more than a mistake -------------------------------------------------------------

_signs = st.text(st.sampled_from("netshipc dyafr=\"'\\^%&|<>()@:!#+-,[]{}12/.\t\r\n\x1a\u00e4"))


@given(_signs | st.text())
def test_a_line_has_words_or_a_mistake(line: str) -> None:
    with suppress(WordError):
        tokens_of(words_of_line(line))


@given(st.text(st.characters(codec="utf-8")))
@example("\\u000a\n\\\\u005c\\")
@example('\\"')
@example("\\")
@example("a\\\\")
def test_a_quoted_value_reads_back(value: str) -> None:
    (word,) = words_of_line(f"name={quote(value)}")
    assert word.text == f"name={value}"


_words = st.sampled_from(
    (
        *("netsh", "netsh.exe", "ipsec", "static", "dynamic", "pushd", "popd", "..", "set", "if"),
        *("add", "delete", "show", "goto", "exit", "rem", "::", "(", ")", "&&", "||", ">nul", "^"),
        *("%A%", "%%", "!A!", "A=1", "/a", '"', "\n", "\r\n", ":a", "a", "=", "name=", "all"),
        *(each.object for forms in FORMS.values() for each in forms),
        *(each.tag + "=" for forms in FORMS.values() for form in forms for each in form.parameters),
    )
)
_lines = st.lists(_words | _signs, max_size=30).map(" ".join)


@examples(100, slow=True)
@given(_lines)
def test_a_script_runs_or_ends_with_one_mistake(text: str) -> None:
    outcome = run(text).outcome
    if outcome.mistake is not None:
        assert outcome.mistake.problem
        assert outcome.mistake.file == "script"
        assert outcome.mistake.line


@st.composite
def _spoilt(draw: st.DrawFn) -> str:
    """A script of a good document, with some letters changed."""
    letters = list("\n".join(static_script(draw(documents()))))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(letters) - 1))
        letters[at : at + draw(st.integers(0, 3))] = draw(_signs.filter(lambda text: len(text) < 5))
    return "".join(letters)


@examples(50, slow=True)
@given(_spoilt())
def test_a_spoilt_script_leaves_documents_that_can_be_kept(text: str) -> None:
    for document in run(text).work.documents.values():
        assert read_document(written(document).encode(), Path("x")).document == document


@given(st.binary())
@example(b"\xff\xfe0")  # a mark of UTF-16, and half a letter
def test_whatever_a_file_holds_becomes_text_or_a_mistake(source: bytes) -> None:
    with suppress(PersonError):
        read_script(decode_script(source).text)
