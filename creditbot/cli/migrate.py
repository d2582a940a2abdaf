"""`creditbot migrate`."""

import typer

from .environment import settings_of


def migrate() -> None:
    """Create the tables and triggers in the database, or update them; safe to repeat."""
    from creditbot.migrate import migrate as lay_tables
    from creditbot.settings.environment import DatabaseSettings
    from creditbot.store.tables import SCHEMA_VERSION

    settings = settings_of(DatabaseSettings)
    lay_tables(settings.database_url)
    typer.echo(f"The database is up to date (version {SCHEMA_VERSION}).")
