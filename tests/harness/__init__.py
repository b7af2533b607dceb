"""
What the tests of the whole house stand on: a started index, databases, clients in a clean home, projects to publish.

    server.py      `otumat-index serve` as a process tree, and what its data says
    databases.py   a catalogue for each started server, on SQLite or PostgreSQL
    clients.py     real programs in a clean environment
    projects.py    small projects of every build back end, built offline
    artifacts.py   wheels and sdists made in memory, also broken ones
    proxy.py       a recording reverse proxy with a prefix
    tls.py         an authority of one's own, and TLS before a server
    issuer.py      an issuer of identity tokens, as build services are
    audit.py       does the catalogue agree with the files and the journal?

Nothing here is a double: servers, clients, archives and databases are the real ones.
"""
