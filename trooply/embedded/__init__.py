"""PostgreSQL with pgvector and Valkey from two wheels, for development and tests.

`python -m trooply.embedded -- COMMAND` runs a command beside both servers, `manage.py up` the whole product.
Nothing here imports Django: its settings cannot be read before the servers they name have addresses.
"""
