"""The policy that a policy file puts in force.

Talks to: `reading`.
"""

from dataclasses import dataclass
from pathlib import Path

from mainmode.errors import PersonError
from mainmode.policy.document import in_force
from mainmode.policy.mistakes import Lines
from mainmode.policy.mistakes import Path as Place
from mainmode.policy.model import CREDENTIAL_PREFIX, Authentication, Policy
from mainmode.policy.reading import DocumentFile, read_document_file


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A policy and where its parts stand in the file."""

    file: Path
    policy: Policy
    lines: Lines
    place: Place = ()
    """Where its rules and settings stand: before `rule`, `main_mode`, `default_response`."""

    def where_named(self, name: str, mistake: PersonError) -> PersonError:
        """A mistake about a preshared key, told where an active rule names that key."""
        key = "credential" if name.startswith(CREDENTIAL_PREFIX) else "secret_file"
        line = next(
            (
                self.lines.of((*place, "authentication", index, key))
                for place, methods in self._authentications()
                for index, authentication in enumerate(methods)
                if authentication.secret == name
            ),
            0,
        )
        problem = f"{mistake.file}: {mistake.problem}" if mistake.file else mistake.problem
        return PersonError(problem, fix=mistake.fix, file=str(self.file), line=line)

    def _authentications(self) -> list[tuple[Place, tuple[Authentication, ...]]]:
        found: list[tuple[Place, tuple[Authentication, ...]]] = [
            ((*self.place, "rule", number), rule.authentication)
            for number, rule in enumerate(self.policy.rules)
            if rule.active
        ]
        if self.policy.default_response.active:
            response = self.policy.default_response.authentication
            found.append(((*self.place, "default_response"), response))
        return found


def load_policy(file: Path) -> Policy:
    """The assigned policy of the file. Raises: PolicyError, with every mistake."""
    return read_policy_file(file).policy


def read_policy_file(file: Path) -> PolicyFile:
    """The assigned policy of the file; where none is, one that permits everything.

    Raises: PolicyError, with every mistake.
    """
    return policy_file(read_document_file(file))


def policy_file(read: DocumentFile, name: str = "") -> PolicyFile:
    """A policy of a document; without a name the assigned one."""
    wanted = name or read.document.assigned
    policy = next((each for each in read.document.policies if each.name == wanted), None)
    if policy is None:
        return PolicyFile(read.file, in_force(()), read.lines)
    return PolicyFile(read.file, policy, read.lines, read.place_of(policy.name))
