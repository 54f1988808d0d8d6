"""Help of netsh commands, made from their tables."""

from collections.abc import Iterable

from mainmode.policy.netsh.commands import Form, Parameter


def usage(forms: Iterable[Form]) -> str:
    """One command in full, or a line for each of several."""
    several = tuple(forms)
    if len(several) == 1:
        return _whole(several[0])
    width = max(len(each.name) for each in several)
    return "\n".join(f"{each.name.ljust(width)}  {each.about}" for each in several)


def _whole(form: Form) -> str:
    lines = [form.about, "", f"Usage: netsh ipsec {form.name}"]
    for number, slot in enumerate(form.slots):
        choice = " | ".join(map(_form_of, slot))
        lines.append(f"  {choice}" if number < form.required else f"  [ {choice} ]")
    if form.parameters:
        width = max(len(each.tag) for each in form.parameters)
        lines += ["", *(_about(each, width) for each in form.parameters)]
    return "\n".join([*lines, *(["", *form.notes] if form.notes else [])])


def _form_of(parameter: Parameter[object]) -> str:
    if parameter.bare:
        return parameter.tag
    tag = f"{parameter.tag}=" if parameter.ours else f"[{parameter.tag}=]"
    return tag + parameter.kind.form


def _about(parameter: Parameter[object], width: int) -> str:
    notes = [parameter.about]
    if parameter.repeated:
        notes.append("may be repeated")
    if parameter.ours:
        notes.append("not in Windows")
    return f"  {parameter.tag.ljust(width)}  {'; '.join(notes)}"
