"""The form of policy files, declared once: which keys each table has, how the value of each is
written, and what it means. Reading, writing and the JSON schema all follow it.

`kinds`   how a single value is written
`keys`    one key of a table, and tables as a whole
`tables`  every table of a policy file
"""
