"""Entries of a table whose keys and fields do not go one to one."""

from mainmode.policy.form.keys import Values
from mainmode.policy.form.kinds import Schema, Value
from mainmode.policy.model import CREDENTIAL_PREFIX, Method
from mainmode.policy.reader import Table
from mainmode.policy.words import parse_gateway


class Secret:
    """Where a preshared key is kept: `secret_file`, or `credential` of the service manager."""

    required = False

    def read(self, table: Table, of: type) -> Values:
        file, credential = table.text("secret_file"), table.text("credential")
        given = [key for key in ("secret_file", "credential") if table.has(key)]
        if table.said("method") != Method.PRESHARED_KEY.value:
            if table.said("method") in [each.value for each in Method]:
                for key in given:
                    table.mistake(f"{key} belongs to preshared keys", "remove it", key)
            return {"secret": ""}
        if len(given) != 1 or not (file or credential):
            fix = 'write either secret_file = "FILE" or credential = "NAME"'
            table.mistake("it must name one place where the key is kept", fix)
        if "/" in credential:
            table.mistake("a credential has a name, not a path", "use secret_file", "credential")
        if file.startswith(CREDENTIAL_PREFIX):
            table.mistake("a file's name cannot begin so", "use credential", "secret_file")
        return {"secret": file or f"{CREDENTIAL_PREFIX}{credential}"}

    def write(self, part: Value) -> Values:
        secret: str = part.secret
        if secret.startswith(CREDENTIAL_PREFIX):
            return {"credential": secret.removeprefix(CREDENTIAL_PREFIX)}
        return {"secret_file": secret} if secret else {}

    def schema(self) -> dict[str, Schema]:
        file = "The file that holds the preshared key, beside this one."
        credential = "The service manager's credential that is the preshared key."
        return {
            "secret_file": {"description": file, "type": "string"},
            "credential": {"description": credential, "type": "string", "pattern": "^[^/]+$"},
        }


class Gateway:
    """`tunnel_endpoint`: an address, or a DNS name."""

    required = False

    def read(self, table: Table, of: type) -> Values:
        gateway = table.parsed("tunnel_endpoint", parse_gateway, None)
        if isinstance(gateway, str):
            return {"tunnel_name": gateway}
        return {"tunnel_endpoint": gateway}

    def write(self, part: Value) -> Values:
        gateway = part.tunnel_end
        return {"tunnel_endpoint": str(gateway)} if gateway else {}

    def schema(self) -> dict[str, Schema]:
        about = "Tunnel mode to this gateway, an address or a DNS name; default: transport mode."
        return {"tunnel_endpoint": {"description": about, "type": "string"}}
