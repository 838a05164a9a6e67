"""What Wissel knows, kept in one database. SQLAlchemy models, migrations, the unit of work, one query module per noun."""
