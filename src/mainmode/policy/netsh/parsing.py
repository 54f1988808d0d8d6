"""From words to a command: verb, object, tags and positions.

A word without a tag takes the first position that nothing has filled, by tag or otherwise, and that
is not behind one filled without a tag. Tags, verbs, objects and choices may be shortened as long as
they stay unique; case never matters but in names and texts.

Talks to: `static` and `dynamic` (the tables), `lexer`.
"""

from collections.abc import Iterable
from typing import Any

from mainmode.policy.mistakes import WordError, nearest
from mainmode.policy.netsh.commands import Command, Form, Given, Parameter, Slot
from mainmode.policy.netsh.dynamic import DYNAMIC
from mainmode.policy.netsh.lexer import Token, Word, tokens_of
from mainmode.policy.netsh.static import STATIC

FORMS = {"static": STATIC, "dynamic": DYNAMIC}
HELP_SIGNS = ("?", "/?", "-?")
HELP_WORDS = (*HELP_SIGNS, "help")


class HelpWanted(Exception):
    """The words ask for help: about one form, or about those that they can go on to."""

    def __init__(self, forms: tuple[Form, ...]) -> None:
        super().__init__("help")
        self.forms = forms


def parse_command(mode: str, words: Iterable[Word]) -> Command:
    """Raises: WordError, HelpWanted."""
    tokens = tokens_of(words)
    form, rest = _form(mode, tokens)
    if any(token.value in HELP_SIGNS and not token.tag for token in rest):
        raise HelpWanted((form,))
    return Command(form, _given(form, rest))


def _form(mode: str, tokens: list[Token]) -> tuple[Form, list[Token]]:
    """The command, and what is left for its parameters."""
    forms = FORMS[mode]
    if not tokens:
        raise HelpWanted(forms)
    verb = _word(tokens[0], {each.verb for each in forms}, f"verb of ipsec {mode}", forms)
    of_verb = tuple(each for each in forms if each.verb == verb)
    if not of_verb[0].object:
        return of_verb[0], tokens[1:]
    if len(tokens) < 2:
        raise HelpWanted(of_verb)
    name = _word(tokens[1], {each.object for each in of_verb}, f"object of {verb}", of_verb)
    return next(each for each in of_verb if each.object == name), tokens[2:]


def _word(token: Token, valid: set[str], what: str, forms: tuple[Form, ...]) -> str:
    if token.value.lower() in HELP_WORDS:
        raise HelpWanted(forms)
    return _shortened(str(token), sorted(valid), what)


def _shortened(text: str, valid: Iterable[str], what: str) -> str:
    """The valid word that `text` is, or is the beginning of. Raises: WordError."""
    words = list(valid)
    word = text.lower()
    fitting = [word] if word in words else [each for each in words if each.startswith(word)]
    if len(fitting) == 1:
        return fitting[0]
    if len(fitting) > 1 and word:
        raise WordError(f"{text!r} can be {', '.join(fitting)}", "write more of it")
    raise WordError(f"{text!r} is no {what}", nearest(text, words))


# --- parameters -------------------------------------------------------------------------------


def _given(form: Form, tokens: list[Token]) -> tuple[Given, ...]:
    named = _tagged(form, tokens)
    taken = {parameter for parameter in named if parameter is not None}
    free = [slot for slot in form.slots if not taken.intersection(slot) and not slot[0].ours]
    given: list[Given] = []
    for token, parameter in zip(tokens, named, strict=True):
        chosen = parameter or _positioned(form, token, free)
        given.append(Given(chosen, _value(chosen, token)))
    _require_once(form, [each.parameter for each in given])
    for slot in form.slots[: form.required]:
        if not any(each.parameter in slot for each in given):
            _missing(form, slot)
    return tuple(given)


def _tagged(form: Form, tokens: list[Token]) -> list[Parameter[Any] | None]:
    """The parameter of each token with a tag, None for the others. What one tag says in full no
    other one is short for."""
    parameters = {each.tag: each for each in form.parameters if not each.bare}
    said = {token.tag.lower().strip() for token in tokens}
    short_for = [tag for tag, each in parameters.items() if not each.ours and tag not in said]
    return [
        parameters[_tag(form, token, list(parameters), short_for)] if token.tag else None
        for token in tokens
    ]


def _tag(form: Form, token: Token, valid: list[str], short_for: list[str]) -> str:
    tag = token.tag.lower().strip()
    if tag in valid:
        return tag
    fitting = [each for each in short_for if tag and each.startswith(tag)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise WordError(f"{token.tag}= can be {', '.join(fitting)}", "write more of it")
    raise WordError(f"{form.name} has no {token.tag}=", nearest(tag, valid))


def _positioned(form: Form, token: Token, free: list[Slot]) -> Parameter[Any]:
    if not free:
        fix = f"see `netsh ipsec {form.name} ?`"
        raise WordError(f"{token.value!r} is one word too many", fix)
    slot = free.pop(0)
    bare = [each for each in slot if each.bare and each.tag == token.value.lower()]
    with_value = [each for each in slot if not each.bare]
    return (bare or with_value)[0]


def _value(parameter: Parameter[Any], token: Token) -> object:
    return True if parameter.bare else parameter.kind.read(token.value, parameter.tag)


def _require_once(form: Form, parameters: list[Parameter[Any]]) -> None:
    for slot in form.slots:
        found = [each for each in parameters if each in slot]
        if len(found) > 1 and not slot[0].repeated:
            tags = " and ".join(dict.fromkeys(each.tag for each in found))
            raise WordError(f"{tags} given more than once", "give one")


def _missing(form: Form, slot: Slot) -> None:
    tags = " or ".join(each.tag if each.bare else f"{each.tag}=" for each in slot)
    fix = f"add {slot[0].tag}={slot[0].kind.form}; see `netsh ipsec {form.name} ?`"
    raise WordError(f"{form.name} needs {tags}", fix)
