"""The command ``fourgig``: one module a subcommand."""
